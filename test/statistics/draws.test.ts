import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import {
  bootstrap,
  bootstrapPValue,
  intervalOfDraws,
  normalTail,
  quantile,
  weightedMean,
} from '../../src/statistics/index.js';

const normals = (count: number, seed: number | string, mean = 0): Float64Array => {
  const random = createRandom(seed);
  return Float64Array.from({ length: count }, () => mean + random.normal());
};

describe('the interval of draws', () => {
  it('should be that of the bootstrap that drew them, undefined draws left out', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(0.8, 0.95), (seed, level) => {
        const values = normals(30, seed);
        const { draws, interval } = bootstrap({
          clusters: Array.from(values, (_, i) => i),
          statistic: (weights) => weightedMean(values, weights),
          draws: 200,
          level,
          seed,
        });
        expect(intervalOfDraws(draws, level)).toEqual(interval);
        expect(intervalOfDraws(Float64Array.from([...draws, Number.NaN, Number.NaN]), level)).toEqual(
          interval,
        );
      }),
      { numRuns: 10 },
    );
  });
});

describe('the p of draws', () => {
  const draws = normals(2000, 'draws', 1);
  const options = (threshold: number, direction: 'above' | 'below') =>
    ({ estimate: 1, threshold, direction }) as const;

  it('should be the share of draws beyond the bound, where there are enough of them', () => {
    for (const [p, direction] of [
      [0.01, 'above'],
      [0.2, 'above'],
      [0.5, 'above'],
      [0.05, 'below'],
    ] as const) {
      const threshold = quantile(draws, direction === 'above' ? p : 1 - p);
      expect(bootstrapPValue(draws, options(threshold, direction))).toBeCloseTo(p, 2);
    }
  });

  it('should follow the normal tail where no draw is beyond it, and rise towards the bound', () => {
    const p = bootstrapPValue(draws, options(-5, 'above'));
    expect(p / normalTail(6)).toBeGreaterThan(0.2);
    expect(p / normalTail(6)).toBeLessThan(5);
    fc.assert(
      fc.property(
        fc.double({ min: -6, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (at, step) => {
          const [near, far] = [at, at - step].map((threshold) =>
            bootstrapPValue(draws, options(threshold, 'above')),
          );
          expect(far).toBeLessThanOrEqual((near as number) + 1e-12);
        },
      ),
    );
  });

  it('should be small no more often than it says, when the bound is the truth', () => {
    const [trials, n] = [400, 60];
    const counts = { p05: 0, p20: 0 };
    for (let trial = 0; trial < trials; trial++) {
      const values = normals(n, `level ${trial}`);
      const result = bootstrap({
        clusters: Array.from(values, (_, i) => i),
        statistic: (weights) => weightedMean(values, weights),
        draws: 300,
        seed: trial,
      });
      const p = bootstrapPValue(result.draws, {
        estimate: result.estimate,
        threshold: 0,
        direction: 'above',
      });
      if (p <= 0.05) counts.p05++;
      if (p <= 0.2) counts.p20++;
    }
    expect(counts.p05 / trials).toBeLessThan(0.08);
    expect(counts.p05 / trials).toBeGreaterThan(0.025);
    expect(Math.abs(counts.p20 / trials - 0.2)).toBeLessThan(0.05);
  });

  it('should be no smaller than the draws can say where they do not vary, and refuse no draw', () => {
    const same = new Float64Array(99).fill(1);
    expect(bootstrapPValue(same, options(0, 'above'))).toBeCloseTo(1 / 100, 12);
    expect(bootstrapPValue(same, options(2, 'above'))).toBe(1);
    expect(() => bootstrapPValue(Float64Array.of(Number.NaN), options(0, 'above'))).toThrow(UsageError);
  });
});
