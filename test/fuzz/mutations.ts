/** What is done to a valid file so that it is almost valid: small steps, described by numbers so that they shrink. */
import fc from 'fast-check';

/** A place as a share of what there is; the same mutation fits files of any length. */
const place = fc.nat(0xffff);
const at = (share: number, length: number): number => Math.floor((share / 0x10000) * length);

/** Numbers that parsers trip over, as little-endian integers of any width. */
const counts = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('cut'), to: place }),
  fc.record({ kind: fc.constant('drop'), from: place, length: fc.nat(64) }),
  fc.record({ kind: fc.constant('flip'), from: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set'), from: place, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('insert'), from: place, bytes: fc.uint8Array({ maxLength: 16 }) }),
  fc.record({
    kind: fc.constant('repeat'),
    from: place,
    length: fc.nat(256),
    times: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({ kind: fc.constant('move'), from: place, length: fc.nat(256), to: place }),
  fc.record({
    kind: fc.constant('count'),
    from: place,
    width: fc.constantFrom(1, 2, 4, 8),
    value: fc.constantFrom(...counts),
  }),
  fc.record({ kind: fc.constant('token'), from: place, fragment: place }),
  fc.record({ kind: fc.constant('twice'), from: place }),
);

export type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

export const mutations = fc.array(mutation, { minLength: 1, maxLength: 5 });

/** Words of JSON and YAML, their marks each a word. */
const wordPattern = /"(?:[^"\\\n]|\\.)*"|[\w.+-]+|[^\w\s]/g;

/** What stands where another value, key or mark stood. Latin-1, so that it can hold bytes that are no UTF-8. */
const fragments = [
  ...[
    'null',
    'true',
    'false',
    '0',
    '-1',
    '1',
    '1.5',
    '-0',
    '1e999',
    '-1e999',
    '1e-400',
    'NaN',
    'Infinity',
    '-Infinity',
  ],
  ...[
    '9007199254740991',
    '9007199254740992',
    '18446744073709551615',
    '2147483648',
    '1e21',
    '0.1e1',
    '00',
    '0x10',
    '.5',
  ],
  ...[
    '""',
    '"__proto__"',
    '"constructor"',
    '"toString"',
    '"hasOwnProperty"',
    '"length"',
    '"\\u0000"',
    '"\\ud800"',
  ],
  ...[
    '"../../../../etc/passwd"',
    '"\\u001b[2J"',
    `"${'x'.repeat(5000)}"`,
    '"NaN"',
    '"1"',
    '\xff\xfe',
    '\xc0\x80',
    '\xed\xa0\x80',
  ],
  ...[
    '[]',
    '{}',
    '[[]]',
    '[null]',
    '[-1]',
    '{"__proto__":{"polluted":1}}',
    '{"toString":1,"valueOf":1}',
    '{"length":1e9}',
  ],
  ...[
    '['.repeat(3000) + ']'.repeat(3000),
    `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
    '['.repeat(20000),
    '{"a":'.repeat(3000),
  ],
  ...[
    ',',
    ':',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '\\',
    '\n',
    '\r\n',
    '\t',
    '\0',
    '#',
    '- ',
    '? ',
    '| ',
    '> ',
    '%',
    '@',
    '`',
  ],
  ...[
    '*a',
    '&a ',
    '&a [*a]',
    '<<: *a',
    '!!js/function "x"',
    '!!binary "AA=="',
    '!!python/object/apply:os.system ["x"]',
    '---\n',
  ],
] as const;

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const replaceWord = (bytes: Uint8Array, from: number, fragment: number): Uint8Array => {
  const text = Buffer.from(bytes).toString('latin1');
  const words = [...text.matchAll(wordPattern)];
  const word = words[at(from, words.length)];
  const other = fragments[at(fragment, fragments.length)] ?? '';
  if (word === undefined) return latin1(other);
  return latin1(text.slice(0, word.index) + other + text.slice(word.index + word[0].length));
};

/** A line again, right behind itself, or without lines a member of an object or list. */
const repeatMember = (bytes: Uint8Array, from: number): Uint8Array => {
  const text = Buffer.from(bytes).toString('latin1');
  const parts = text.split(text.includes('\n') ? /(?<=\n)/ : /(?<=,)/);
  const index = at(from, parts.length);
  return latin1([...parts.slice(0, index + 1), ...parts.slice(index)].join(''));
};

const writeCount = (bytes: Uint8Array, from: number, width: number, value: bigint): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  for (let i = 0; i < width && from + i < changed.length; i++) {
    changed[from + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  return changed;
};

const mutate = (bytes: Uint8Array, change: Mutation): Uint8Array => {
  const { length } = bytes;
  if (change.kind === 'cut') return bytes.slice(0, at(Number('to' in change ? change.to : 0), length));
  if (!('from' in change)) return bytes;
  const from = at(change.from, length);
  const before = bytes.subarray(0, from);
  if ('fragment' in change) return replaceWord(bytes, change.from, change.fragment);
  if ('bit' in change || 'byte' in change) {
    const changed = Uint8Array.from(bytes);
    const old = changed[from] ?? 0;
    if (from < length) changed[from] = 'bit' in change ? old ^ (1 << change.bit) : change.byte;
    return changed;
  }
  if ('bytes' in change) return Buffer.concat([before, change.bytes, bytes.subarray(from)]);
  if ('width' in change) return writeCount(bytes, from, change.width, change.value);
  if (!('length' in change)) return repeatMember(bytes, change.from);
  const part = bytes.subarray(from, from + change.length);
  const rest = bytes.subarray(from + change.length);
  if ('times' in change)
    return Buffer.concat([before, ...Array.from({ length: change.times }, () => part), rest]);
  const without = Buffer.concat([before, rest]);
  if (!('to' in change)) return without;
  const to = at(change.to, without.length);
  return Buffer.concat([without.subarray(0, to), part, without.subarray(to)]);
};

/** A file that came of valid ones: mutated from one of them, with the tail of another where `splice` says so. */
export const applyMutations = (bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array =>
  changes.reduce<Uint8Array>(mutate, bytes);
