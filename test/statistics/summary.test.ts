import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { mean, quantile, standardDeviation } from '../../src/statistics/index.js';

describe('summaries', () => {
  it("should interpolate quantiles as R's default does", () => {
    const values = [10, 1, 4, 2, 8];
    expect(quantile(values, 0)).toBe(1);
    expect(quantile(values, 0.1)).toBeCloseTo(1.4, 14);
    expect(quantile(values, 0.25)).toBe(2);
    expect(quantile(values, 0.5)).toBe(4);
    expect(quantile(values, 0.9)).toBeCloseTo(9.2, 14);
    expect(quantile(values, 1)).toBe(10);
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  });

  it('should rise with p, from the least value to the greatest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, p, q) => {
          const [low, high] = [Math.min(p, q), Math.max(p, q)].map((at) => quantile(values, at)) as [
            number,
            number,
          ];
          expect(low).toBeLessThanOrEqual(high);
          expect(low).toBeGreaterThanOrEqual(Math.min(...values));
          expect(high).toBeLessThanOrEqual(Math.max(...values));
        },
      ),
    );
  });

  it('should use n − 1 for the spread, and be NaN of too little', () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 14);
    expect(mean([])).toBeNaN();
    expect(standardDeviation([1])).toBeNaN();
    expect(quantile([], 0.5)).toBeNaN();
    expect(() => quantile([1], 1.5)).toThrow(UsageError);
  });
});
