import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDegenerate, screenText, screenTexts } from '../../src/behaviour/index.js';

describe('the degeneracy screen', () => {
  it('calls a text repetitive if less than half of its tokens are distinct, and empty if it says nothing', () => {
    expect(isDegenerate([])).toBe(true);
    expect(isDegenerate([3])).toBe(false);
    expect(isDegenerate([1, 2, 1, 2])).toBe(false);
    expect(isDegenerate([1, 1, 1, 2, 1])).toBe(true);
    expect(isDegenerate(['so', 'so', 'so'])).toBe(true);
  });

  it('sees through the token that ends a text', () => {
    expect(screenText([9], { ends: [9] }).degeneration).toBe('empty');
    expect(screenText([4, 4, 9], { ends: [9] }).degeneration).toBe('none');
    expect(screenText([4, 4, 4, 9], { ends: [9] }).degeneration).toBe('repetition');
    expect(screenText([4, 4, 4, 9]).degeneration).toBe('none');
  });

  it('counts each fault apart; a text cut short is not degenerate by that', () => {
    const counts = screenTexts([[], [9], [1, 1, 1, 1], [1, 2, 3, 4], [1, 2, 3, 9], [1, 2]], {
      ends: [9],
      maxLength: 4,
    });
    expect(counts).toEqual({ texts: 6, empty: 2, repetition: 1, truncated: 2, degenerateShare: 0.5 });
  });

  it('does not call a text repetitive for its length', () => {
    // Five hundred tokens of which any 32 in a row are distinct.
    const long = Array.from({ length: 500 }, (_, index) => index % 40);
    expect(screenText(long).degeneration).toBe('none');
  });

  it('finds a loop wherever it is in a long text', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 100 }),
        fc.nat({ max: 100 }),
        fc.integer({ min: 1, max: 5 }),
        (a, b, period) => {
          const fresh = (from: number, length: number) => Array.from({ length }, (_, i) => 1000 + from + i);
          const loop = Array.from({ length: 32 }, (_, index) => index % period);
          expect(screenText([...fresh(0, a), ...loop, ...fresh(a, b)]).degeneration).toBe('repetition');
          expect(screenText(fresh(0, a + b + 1)).degeneration).toBe('none');
        },
      ),
    );
  });

  it('is the share of distinct tokens on texts of up to 32', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 32 }), (text) => {
        expect(isDegenerate(text)).toBe(new Set(text).size < text.length / 2);
      }),
    );
  });
});
