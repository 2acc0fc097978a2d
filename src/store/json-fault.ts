const BLANKS = /[ \t\n\r]*/y;

/** A sign, a text (control characters are none of its), or a number or word: what JSON is made of. */
const TOKEN =
  /([{}[\],:])|("(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/uy;

/** What may come next. */
type Awaited = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing';

const CLOSING = { '{': '}', '[': ']' } as const;

/**
 * Where a text ceases to be JSON, as an offset: `JSON.parse` does not always say. `undefined` of a text that is JSON.
 */
export const findJsonFault = (text: string): number | undefined => {
  const open: ('{' | '[')[] = [];
  let awaited: Awaited = 'value';
  let offset = 0;
  const afterValue = (): Awaited => (open.length === 0 ? 'nothing' : ', or end');
  for (;;) {
    BLANKS.lastIndex = offset;
    const start = offset + (BLANKS.exec(text)?.[0].length ?? 0);
    if (start === text.length) return awaited === 'nothing' ? undefined : start;
    TOKEN.lastIndex = start;
    const [, sign, quoted, other] = TOKEN.exec(text) ?? [];
    const isValue = awaited === 'value' || awaited === 'value or ]';
    const isKey = awaited === 'key' || awaited === 'key or }';
    const innermost = open.at(-1);
    if (quoted !== undefined && isKey) awaited = ':';
    else if ((quoted ?? other) !== undefined && isValue) awaited = afterValue();
    else if (sign === ':' && awaited === ':') awaited = 'value';
    else if (sign === ',' && awaited === ', or end') awaited = innermost === '{' ? 'key' : 'value';
    else if ((sign === '{' || sign === '[') && isValue) {
      open.push(sign);
      awaited = sign === '{' ? 'key or }' : 'value or ]';
    } else if (
      innermost !== undefined &&
      sign === CLOSING[innermost] &&
      awaited !== ':' &&
      awaited !== 'key' &&
      awaited !== 'value'
    ) {
      open.pop();
      awaited = afterValue();
    } else return start;
    offset = TOKEN.lastIndex;
  }
};
