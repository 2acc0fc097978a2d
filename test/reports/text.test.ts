import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignColumns, cut, displayWidth, pad, wrapText } from '../../src/reports/index.js';

const texts = fc.string({ unit: fc.constantFrom('a', ' ', 'λ', '漢', '한', 'Ａ', '👍', 'e\u0301') });

describe('the width of text', () => {
  it.each([
    ['abc', 3],
    ['σ2/σ1 ‖Δh‖ − ≥', 14],
    ['漢字', 4],
    ['한글', 4],
    ['Ａ', 2],
    ['e\u0301', 1],
    ['👍', 2],
    ['✓ ✗ ↳', 5],
  ])('of %s is %i columns', (text, width) => expect(displayWidth(text)).toBe(width));

  it('adds up over parts', () => {
    fc.assert(fc.property(texts, texts, (a, b) => displayWidth(a + b) === displayWidth(a) + displayWidth(b)));
  });
});

describe('text in columns', () => {
  it('is never wider than it may be when cut, and a cut shows', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 20 }), (text, width) => {
        const short = cut(text, width);
        expect(displayWidth(short)).toBeLessThanOrEqual(width);
        if (displayWidth(text) > width) expect(short.endsWith('…')).toBe(true);
        else expect(short).toBe(text);
      }),
    );
  });

  it('is never wider than it may be when wrapped, and loses nothing but blanks', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 2, max: 20 }), (text, width) => {
        const lines = wrapText(text, width);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      }),
    );
  });

  it('begins each column at the same place, however wide the characters', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 6 }), (names) => {
        const widest = Math.max(...names.map(displayWidth));
        for (const [index, line] of alignColumns(names.map((name) => [name, '|'])).entries()) {
          expect(line).toBe(`${pad(names[index] ?? '', widest)}  |`);
          expect(displayWidth(line)).toBe(widest + 3);
        }
      }),
    );
  });
});
