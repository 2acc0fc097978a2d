import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import { createLeadingDirectionSampler, createRatioSampler } from '../../src/geometry/index.js';
import { cosine, denseAlgebra, type Matrix, matrix, rowOf } from '../../src/linalg/index.js';
import { algebras, randomMatrix } from '../linalg/laws.js';

/** ΔH with row i repeated weights[i] times, as a resample holds it. */
const repeated = (delta: Matrix, weights: ArrayLike<number>): Matrix => {
  const rows = Array.from(weights).flatMap((count, i) =>
    new Array<Float64Array>(count).fill(rowOf(delta, i)),
  );
  const data = new Float64Array(rows.length * delta.columns);
  rows.forEach((row, i) => {
    data.set(row, i * delta.columns);
  });
  return matrix(rows.length, delta.columns, data);
};

const createSpectrumSampler = (...args: Parameters<typeof createRatioSampler>) => ({
  sigma2OverSigma1: createRatioSampler(...args),
  leadingDirection: createLeadingDirectionSampler(...args),
});

describe.each(algebras)('a spectrum sampler by the $name algebra', (algebra) => {
  it('should give the spectrum of the rows repeated as the weights say, tall or wide', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 50 }),
        fc.integer({ min: 2, max: 40 }),
        fc.nat(100_000),
        (n, d, seed) => {
          const delta = randomMatrix(n, d, seed);
          const sampler = createSpectrumSampler(delta, { algebra });
          const random = createRandom(seed);
          const weights = new Float64Array(n);
          for (let i = 0; i < n; i++) {
            const pick = random.integer(n);
            weights[pick] = (weights[pick] as number) + 1;
          }
          const { values, right } = denseAlgebra('portable').singularValueDecomposition(
            repeated(delta, weights),
          );
          const [first = 0, second = 0] = values;
          expect(sampler.sigma2OverSigma1(weights)).toBeCloseTo(second / first, 6);
          if (first - second > 1e-3 * first) {
            expect(Math.abs(cosine(sampler.leadingDirection(weights), rowOf(right, 0)))).toBeGreaterThan(
              1 - 1e-6,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('should hardly change where weak directions are left out', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 100, max: 300 }), (seed, n) => {
        const d = 24;
        const random = createRandom(seed);
        // A spectrum that falls off slowly: the k-th direction has a standard deviation of 1/k.
        const delta = matrix(
          n,
          d,
          Float64Array.from({ length: n * d }, (_, i) => random.normal() / (1 + (i % d))),
        );
        const exact = createSpectrumSampler(delta, { algebra });
        const quick = createSpectrumSampler(delta, { algebra, discard: 2 });
        const weights = new Float64Array(n);
        for (let i = 0; i < n; i++) {
          const pick = random.integer(n);
          weights[pick] = (weights[pick] as number) + 1;
        }
        // The stated error is discard / 2n of the ratio on average; the worst of many draws may be several times that.
        const ratio = exact.sigma2OverSigma1(weights);
        expect(Math.abs(quick.sigma2OverSigma1(weights) - ratio)).toBeLessThan((12 / n) * ratio);
        const agreement = cosine(quick.leadingDirection(weights), exact.leadingDirection(weights));
        expect(Math.abs(agreement)).toBeGreaterThan(1 - 6 / n);
      }),
      { numRuns: 40 },
    );
  });

  it('should hardly change where weak directions are left out of rows longer than they are many', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 120, max: 200 }), (seed, n) => {
        const d = 2 * n;
        const random = createRandom(seed);
        // Six directions carry nearly everything.
        const delta = matrix(
          n,
          d,
          Float64Array.from({ length: n * d }, (_, i) => random.normal() / (i % d < 6 ? 1 + (i % d) : 100)),
        );
        const exact = createSpectrumSampler(delta, { algebra });
        const quick = createSpectrumSampler(delta, { algebra, discard: 2 });
        const weights = Float64Array.from({ length: n }, () => random.integer(3));
        const ratio = exact.sigma2OverSigma1(weights);
        expect(Math.abs(quick.sigma2OverSigma1(weights) - ratio)).toBeLessThan((12 / n) * ratio);
        const agreement = cosine(quick.leadingDirection(weights), exact.leadingDirection(weights));
        expect(Math.abs(agreement)).toBeGreaterThan(1 - 6 / n);
      }),
      { numRuns: 20 },
    );
  });

  it('should keep to one side, whatever the weights', () => {
    const delta = randomMatrix(30, 12, 3);
    const sampler = createSpectrumSampler(delta, { algebra });
    const all = sampler.leadingDirection(new Float64Array(30).fill(1));
    for (let seed = 0; seed < 10; seed++) {
      const random = createRandom(seed);
      const weights = Float64Array.from({ length: 30 }, () => random.integer(3));
      expect(cosine(sampler.leadingDirection(weights), all)).toBeGreaterThan(0.5);
    }
  });

  it('should leave out all but the one direction there is, of rows longer than they are many', () => {
    const n = 40;
    const line = matrix(
      n,
      100,
      Float64Array.from({ length: n * 100 }, (_, i) => (i % 100) - 3),
    );
    const weights = new Float64Array(n).fill(2);
    expect(createRatioSampler(line, { algebra, discard: 2 })(weights)).toBeLessThan(1e-6);
    const leading = createLeadingDirectionSampler(line, { algebra, discard: 2 })(weights);
    expect(Math.abs(cosine(leading, rowOf(line, 0)))).toBeCloseTo(1, 9);
  });

  it('should judge a fold alone where the other has no weight', () => {
    const delta = randomMatrix(40, 10, 9);
    const half = matrix(20, 10, delta.data.slice(0, 200));
    const weights = Float64Array.from({ length: 40 }, (_, i) => (i < 20 ? 1 : 0));
    expect(createSpectrumSampler(delta, { algebra }).sigma2OverSigma1(weights)).toBeCloseTo(
      createSpectrumSampler(half, { algebra }).sigma2OverSigma1(new Float64Array(20).fill(1)),
      8,
    );
  });

  it('should have no ratio where no row has weight or none moved, and ratio 0 in one dimension', () => {
    const sampler = createSpectrumSampler(randomMatrix(8, 3, 1), { algebra });
    expect(sampler.sigma2OverSigma1(new Float64Array(8))).toBeNaN();
    expect(Array.from(sampler.leadingDirection(new Float64Array(8)))).toEqual([0, 0, 0]);
    expect(
      createSpectrumSampler(matrix(8, 3), { algebra }).sigma2OverSigma1(new Float64Array(8).fill(1)),
    ).toBeNaN();
    const line = createSpectrumSampler(randomMatrix(8, 1, 1), { algebra });
    expect(line.sigma2OverSigma1(new Float64Array(8).fill(1))).toBe(0);
  });

  it('should refuse weights that are negative, not finite or too few', () => {
    const sampler = createSpectrumSampler(randomMatrix(4, 3, 1), { algebra });
    expect(() => sampler.sigma2OverSigma1([1, 1, 1])).toThrow(UsageError);
    expect(() => sampler.sigma2OverSigma1([1, 1, 1, -1])).toThrow(/weight 3 is -1/);
    expect(() => sampler.leadingDirection([1, Number.NaN, 1, 1])).toThrow(UsageError);
  });
});
