import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import {
  componentsForShare,
  createEnergyShareSampler,
  entropyOfShares,
  participationOfShares,
  spectrumStatistics,
} from '../../src/geometry/index.js';
import { denseAlgebra, type Matrix, matrix, rowOf, singularValues } from '../../src/linalg/index.js';
import { mean, standardDeviation } from '../../src/statistics/index.js';
import { algebras, expectClose, randomMatrix } from '../linalg/laws.js';

/** ΔH with row i repeated weights[i] times, as a resample holds it. */
const repeated = (delta: Matrix, weights: ArrayLike<number>): Matrix => {
  const rows = Array.from(weights).flatMap((count, i) =>
    new Array<Float64Array>(count).fill(rowOf(delta, i)),
  );
  return matrix(rows.length, delta.columns, Float64Array.from(rows.flatMap((row) => [...row])));
};

const resampleOf = (n: number, seed: number): Float64Array => {
  const random = createRandom(seed);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const pick = random.integer(n);
    weights[pick] = (weights[pick] as number) + 1;
  }
  return weights;
};

/** The shares by a full decomposition of another kind: the singular values themselves. */
const sharesOf = (x: Matrix, length: number): Float64Array => {
  const { values } = denseAlgebra('portable').singularValueDecomposition(x);
  const energies = Float64Array.from({ length }, (_, k) => (values[k] ?? 0) ** 2);
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  return energies.map((energy) => energy / total);
};

describe.each(algebras)('an energy share sampler by the $name algebra', (algebra) => {
  it('should give the spectrum of the rows repeated as the weights say, tall or wide', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 2, max: 30 }),
        fc.nat(100_000),
        (n, d, seed) => {
          const delta = randomMatrix(n, d, seed);
          const weights = resampleOf(n, seed);
          const shares = createEnergyShareSampler(delta, { algebra, tail: 0, followed: 100 })(weights);
          expectClose(shares, sharesOf(repeated(delta, weights), Math.min(n, d)), 1e-9);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('should be exact under equal weights, whatever is followed in sum only', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 2, max: 30 }),
        fc.nat(100_000),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (n, d, seed, tail) => {
          const delta = randomMatrix(n, d, seed);
          const shares = createEnergyShareSampler(delta, { algebra, tail })(new Float64Array(n).fill(3));
          expectClose(shares, sharesOf(delta, Math.min(n, d)), 1e-9);
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([
    ['falls off quickly', 2, 1],
    ['falls off slowly', 0.5, 0.5],
    ['is flat', 0, 0],
  ])('should spread over draws as the whole spectrum does where it %s', (_, shift, decay) => {
    const n = 300;
    const d = 48;
    const random = createRandom('decay');
    const delta = matrix(
      n,
      d,
      Float64Array.from(
        { length: n * d },
        (__, i) => (random.normal() + (i % d === 0 ? shift : 0)) / (1 + (i % d)) ** decay,
      ),
    );
    const quick = createEnergyShareSampler(delta, { algebra });
    const exact = createEnergyShareSampler(delta, { algebra, tail: 0, followed: d });
    const draws = Array.from({ length: 60 }, (__, seed) => {
      const weights = resampleOf(n, seed);
      return { quick: entropyOfShares(quick(weights)), exact: entropyOfShares(exact(weights)) };
    });
    const spread = standardDeviation(draws.map((draw) => draw.exact));
    const errors = draws.map((draw) => draw.quick - draw.exact);
    // Up to a constant: the downward bias of resamples, at most m/2n = .08 nats here. Of a flat spectrum all spread is
    // that of this bias.
    expect(standardDeviation(errors)).toBeLessThan(Math.max(0.2 * spread, 0.01));
    expect(Math.abs(mean(errors))).toBeLessThan(d / (2 * n));
  });
});

it('an energy share sampler should refuse another number of weights, and have no shares of nothing', () => {
  const sampler = createEnergyShareSampler(matrix(5, 3));
  expect(() => sampler(new Float64Array(4))).toThrow(UsageError);
  expect(entropyOfShares(sampler(new Float64Array(5).fill(1)))).toBeNaN();
  expect(componentsForShare(sampler(new Float64Array(5).fill(1)), 0.8)).toBeNaN();
});

describe('statistics of energy shares', () => {
  it('should agree with those of the singular values', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(100_000), (n, seed) => {
        const values = singularValues(randomMatrix(n, 12, seed));
        const total = values.reduce((sum, value) => sum + value * value, 0);
        const shares = values.map((value) => (value * value) / total);
        const { spectralEntropy, participationRatio } = spectrumStatistics(values);
        expect(entropyOfShares(shares)).toBeCloseTo(spectralEntropy, 9);
        expect(participationOfShares(shares)).toBeCloseTo(participationRatio, 9);
      }),
      { numRuns: 40 },
    );
  });

  it('should count components: continuously, and rounded up as usual', () => {
    expect(componentsForShare([0.5, 0.25, 0.125, 0.125], 0.8)).toBeCloseTo(2.4, 12);
    expect(componentsForShare([0.9, 0.1], 0.8)).toBe(1);
    expect(componentsForShare([0.25, 0.25, 0.25, 0.25], 0.75)).toBe(3);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }),
        fc.double({ min: 0.1, max: 0.99, noNaN: true }),
        (given, wanted) => {
          const total = given.reduce((sum, value) => sum + value, 0);
          const shares = given.map((value) => value / total).sort((a, b) => b - a);
          let count = 0;
          for (let held = 0; held < wanted && count < shares.length; count++) held += shares[count] as number;
          const components = componentsForShare(shares, wanted);
          expect(Math.abs(Math.ceil(components - 1e-9) - count)).toBe(0);
          // More is wanted: not fewer components, and only a little more for a little more.
          expect(componentsForShare(shares, Math.min(1, wanted + 1e-6))).toBeGreaterThanOrEqual(components);
          expect(componentsForShare(shares, Math.min(1, wanted + 1e-6)) - components).toBeLessThan(0.01);
        },
      ),
    );
  });
});
