import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import { intervalOfDraws, seedSpread, standardDeviation, trendSlope } from '../../src/statistics/index.js';

const finite = fc.double({ min: -10, max: 10, noNaN: true });

describe('the slope of a trend', () => {
  it('should be that of points on a line, in the estimates and in every draw', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 6 }),
        finite,
        fc.array(finite, { minLength: 1, maxLength: 4 }),
        (x, intercept, slopes) => {
          const { estimate, draws } = trendSlope(
            x.map((at) => ({
              x: at,
              estimate: intercept + (slopes[0] ?? 0) * at,
              draws: Float64Array.from(slopes, (slope) => intercept + slope * at),
            })),
          );
          expect(estimate).toBeCloseTo(slopes[0] ?? 0, 8);
          slopes.forEach((slope, draw) => {
            expect(draws[draw]).toBeCloseTo(slope, 8);
          });
        },
      ),
    );
  });

  it('should cover the true slope where each point has draws of its own noise', () => {
    const [trials, draws, truth] = [300, 400, -0.2];
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const random = createRandom(`slope ${trial}`);
      const points = [0, 1, 2, 3].map((x) => {
        const estimate = 1 + truth * x + 0.1 * random.normal();
        return {
          x,
          estimate,
          draws: Float64Array.from({ length: draws }, () => estimate + 0.1 * random.normal()),
        };
      });
      const [low, high] = intervalOfDraws(trendSlope(points).draws, 0.95);
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.92);
    expect(covered / trials).toBeLessThan(0.98);
  });

  it('should refuse one size alone', () => {
    const point = { x: 1, estimate: 1, draws: Float64Array.of(1) };
    expect(() => trendSlope([point, point])).toThrow(UsageError);
    expect(() => trendSlope([point, { ...point, x: Number.NaN }])).toThrow(/two sizes/);
  });
});

describe('the spread over seeds', () => {
  it('should be n − 1 standard deviation, range and mean of the estimates, whatever their order', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 2, maxLength: 8 }), (estimates) => {
        const spread = seedSpread(estimates);
        expect(spread.sd).toBeCloseTo(standardDeviation(estimates), 10);
        expect(spread.lowest).toBe(Math.min(...estimates));
        expect(spread.highest).toBe(Math.max(...estimates));
        expect(seedSpread([...estimates].reverse()).mean).toBeCloseTo(spread.mean, 10);
      }),
    );
  });

  it('should be unbiased for the variance between seeds', () => {
    const random = createRandom('seed spread');
    const variances = Array.from({ length: 4000 }, () => {
      const { sd } = seedSpread(Array.from({ length: 5 }, () => 0.9 + 0.02 * random.normal()));
      return sd ** 2;
    });
    const mean = variances.reduce((sum, value) => sum + value, 0) / variances.length;
    expect(mean / 0.02 ** 2).toBeGreaterThan(0.95);
    expect(mean / 0.02 ** 2).toBeLessThan(1.05);
  });

  it('should not be told of one seed', () => {
    expect(seedSpread([0.5]).sd).toBeNaN();
  });
});
