import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, SpecError, showValue } from '../../src/base/index.js';
import { reportError } from '../../src/cli/report-error.js';

const evil = '\u001b[2J\u009b31m\u202e\r\nerror: forged\u0007';

const said = (error: unknown, environment: Readonly<Record<string, string>> = {}): string => {
  let text = '';
  const stream = {
    write: (part: string) => {
      text += part;
    },
  };
  reportError(error, { stderr: stream, environment });
  return text;
};

/** Line breaks alone may move the cursor. */
const isHarmless = (text: string): boolean => !/[\p{Cc}\u202e]/u.test(text.replaceAll('\n', ''));

describe('an error on a terminal', () => {
  it('should show control characters of a file instead of sending them, and no line that is not its own', () => {
    const fault = { where: { file: evil, line: 3 }, message: evil, hint: evil };
    const plain = said(new InputError(evil, fault));
    expect(isHarmless(plain)).toBe(true);
    expect(plain.split('\n')).toHaveLength(3);
    expect(plain).toContain('\\u001b[2J\\u009b31m\\u202e\\u000d\\nerror: forged\\u0007');
    const spec = said(new SpecError([fault, fault]));
    expect(isHarmless(spec)).toBe(true);
    expect(spec.split('\n')).toHaveLength(5);
  });

  it('should do so of errors that nobody expected, and of their stacks', () => {
    expect(said(new Error(evil)).split('\n')).toHaveLength(3);
    for (const error of [new Error(evil), new InputError(evil), evil]) {
      expect(isHarmless(said(error))).toBe(true);
      expect(isHarmless(said(error, { DSTEER_DEBUG: '1' }))).toBe(true);
    }
  });
});

describe('a value that an error quotes', () => {
  it('should be short, on one line, and never a failure of its own', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (value) => {
        const shown = showValue(value);
        expect(isHarmless(shown)).toBe(true);
        expect(shown).not.toContain('\n');
      }),
    );
    expect(showValue('x'.repeat(10_000)).length).toBeLessThan(200);
    expect(showValue(JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)))).toBe('a list too deep to show');
    expect([showValue('a'), showValue(3), showValue(null), showValue(undefined), showValue([1])]).toEqual([
      '"a"',
      '3',
      'null',
      'nothing',
      '[1]',
    ]);
  });
});
