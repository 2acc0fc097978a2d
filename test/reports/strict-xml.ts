/** A strict reader of the little XML that JUnit files need; anything else is an error. For tests. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const isXmlCharacter = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff);

const decode = (raw: string): string => {
  for (const character of raw) {
    const code = character.codePointAt(0) ?? 0;
    if (!isXmlCharacter(code)) throw new Error(`no XML character: U+${code.toString(16)}`);
  }
  if (raw.includes('<')) throw new Error('a bare <');
  return raw.replace(/&([^;]*);?/g, (whole, name: string) => {
    const number = /^#(\d+)$/.exec(name)?.[1];
    const decoded = number === undefined ? NAMED[name] : String.fromCodePoint(Number(number));
    if (!whole.endsWith(';') || decoded === undefined) throw new Error(`a bad reference: ${whole}`);
    return decoded;
  });
};

/** Parses a whole document of elements, attributes and text. @throws Error for anything that is not well formed */
export const parseStrictXml = (document: string): XmlElement => {
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>';
  if (!document.startsWith(declaration)) throw new Error('no XML declaration');
  let rest = document.slice(declaration.length).trimStart();
  const take = (pattern: RegExp): RegExpExecArray => {
    const match = pattern.exec(rest);
    if (match === null || match.index !== 0) throw new Error(`expected ${pattern} at ${rest.slice(0, 60)}`);
    rest = rest.slice(match[0].length);
    return match;
  };
  const readAttributes = (): Record<string, string> => {
    const attributes: Record<string, string> = {};
    while (/^\s+[a-z]/.test(rest)) {
      const [, name = '', value = ''] = take(/^\s+([a-zA-Z]+)="([^"]*)"/);
      if (name in attributes) throw new Error(`attribute ${name} twice`);
      if (/[\n\r\t]/.test(value)) throw new Error('a raw line break in an attribute is read as a blank');
      attributes[name] = decode(value);
    }
    return attributes;
  };
  const readElement = (): XmlElement => {
    const name = take(/^<([a-zA-Z-]+)/)[1] ?? '';
    const attributes = readAttributes();
    take(/^>/);
    const children: XmlElement[] = [];
    let text = '';
    while (!rest.startsWith('</')) {
      if (rest.startsWith('<')) children.push(readElement());
      else text += decode(take(/^[^<]+/)[0]);
    }
    if (take(/^<\/([a-zA-Z-]+)>/)[1] !== name) throw new Error(`${name} is closed by another`);
    return { name, attributes, children, text };
  };
  const root = readElement();
  if (rest.trim() !== '') throw new Error(`text after the end: ${rest}`);
  return root;
};
