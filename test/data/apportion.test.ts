import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { apportion } from '../../src/data/index.js';

const weights = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 8 });

describe('apportion', () => {
  it('should add up to the total and round each quota down or up', () => {
    fc.assert(
      fc.property(fc.nat(5000), weights, (total, all) => {
        const counts = apportion(total, all);
        const sum = all.reduce((a, b) => a + b, 0);
        expect(counts.reduce((a, b) => a + b, 0)).toBe(total);
        for (const [k, count] of counts.entries()) {
          expect(Math.abs(count - (total * (all[k] ?? 0)) / sum)).toBeLessThan(1);
        }
      }),
    );
  });

  it('should round up the largest remainders, the earlier of equal ones first', () => {
    // Quotas 3.5, 1.4, 0.7, 1.4.
    expect(apportion(7, [5, 2, 1, 2])).toEqual([4, 1, 1, 1]);
    expect(apportion(5, [1, 1])).toEqual([3, 2]);
    expect(apportion(768, [4, 1])).toEqual([614, 154]);
    // Three quotas with the remainder 1/3, apart by rounding errors only.
    expect(apportion(3, [0.1, 0.1, 0.7])).toEqual([1, 0, 2]);
    expect(apportion(3, [0.1, 0.4, 0.4])).toEqual([1, 1, 1]);
    // 0.1 + 0.2 + 0.7 is not 1 in floating point; the quotas are whole all the same.
    expect(apportion(10, [0.1, 0.2, 0.7])).toEqual([1, 2, 7]);
  });

  it('should refuse weights that are not positive numbers', () => {
    for (const bad of [[], [0], [1, -1], [Number.NaN], [Number.POSITIVE_INFINITY, 1]]) {
      expect(() => apportion(3, bad)).toThrow(UsageError);
    }
  });
});
