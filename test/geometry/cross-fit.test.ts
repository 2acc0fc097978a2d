import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, InputError, UsageError } from '../../src/base/index.js';
import {
  assignFolds,
  cosinesToVector,
  cosinesToVectors,
  crossFit,
  crossFitVectors,
  meanRowNorm,
  normMatchedRandomDirections,
  steeringVector,
} from '../../src/geometry/index.js';
import { cosine, matrix, matrixFromRows, norm, rowOf } from '../../src/linalg/index.js';
import { expectClose, randomMatrix } from '../linalg/laws.js';

describe('folds', () => {
  it('should keep prompts of one source together, whichever other prompts there are', () => {
    const sources = Array.from({ length: 400 }, (_, i) => `sentence-${i % 200}`);
    const folds = assignFolds(sources);
    for (let i = 0; i < 200; i++) expect(folds[i]).toBe(folds[i + 200]);
    expect(Array.from(assignFolds(sources.slice(150)))).toEqual(Array.from(folds.slice(150)));
  });

  it('should be near halves', () => {
    const folds = assignFolds(Array.from({ length: 2000 }, (_, i) => i));
    const share = folds.reduce((sum, fold) => sum + fold, 0) / 2000;
    expect(share).toBeGreaterThan(0.45);
    expect(share).toBeLessThan(0.55);
  });
});

describe('cross-fitting', () => {
  it('should judge each row by the mean of the rows that are not in its fold', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 30 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(10_000),
        (n, d, seed) => {
          const delta = randomMatrix(n, d, seed);
          const folds = Array.from({ length: n }, (_, i) => (i === 0 ? 0 : i === 1 ? 1 : (seed + i * i) % 2));
          const { judging, cosines } = crossFit(delta, folds);
          for (let i = 0; i < n; i++) {
            const others = Array.from({ length: n }, (_, j) => j).filter((j) => folds[j] !== folds[i]);
            const mean = steeringVector(matrixFromRows(others.map((j) => rowOf(delta, j))));
            expectClose(judging(i), mean, 1e-12);
            expect(cosines[i]).toBeCloseTo(cosine(rowOf(delta, i), mean), 10);
          }
        },
      ),
    );
  });

  it('should find no direction in noise, where the mean of the same rows finds one', () => {
    const random = createRandom(11);
    const delta = matrix(
      40,
      200,
      Float64Array.from({ length: 8000 }, () => random.normal()),
    );
    const average = (values: Float64Array): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const honest = average(crossFit(delta, assignFolds(Array.from({ length: 40 }, (_, i) => i))).cosines);
    const inSample = average(cosinesToVector(delta, steeringVector(delta)));
    expect(Math.abs(honest)).toBeLessThan(0.05);
    expect(inSample).toBeGreaterThan(0.1);
  });

  it('should say which fold is empty', () => {
    expect(() => crossFitVectors(randomMatrix(3, 2, 1), [0, 0, 0])).toThrow(InputError);
    expect(() => crossFitVectors(randomMatrix(3, 2, 1), [0, 0, 0])).toThrow(/fold 1/);
    expect(() => crossFitVectors(randomMatrix(3, 2, 1), [0, 1])).toThrow(UsageError);
  });
});

describe('steering vectors and cosines', () => {
  it('should weigh rows as if they were repeated', () => {
    const delta = randomMatrix(4, 3, 2);
    const weighted = steeringVector(delta, [2, 0, 1, 0]);
    const rows = [0, 0, 2].map((i) => rowOf(delta, i));
    expectClose(weighted, steeringVector(matrixFromRows(rows)), 1e-14);
    expect(() => steeringVector(delta, [0, 0, 0, 0])).toThrow(/at least one/);
    expect(() => steeringVector(delta, [1])).toThrow(UsageError);
  });

  it('should leave the cosine of a row that did not move undefined', () => {
    const delta = matrixFromRows([
      [0, 0],
      [0, 2],
    ]);
    expect(Array.from(cosinesToVector(delta, [0, 1]))).toEqual([Number.NaN, 1]);
    expect(() => cosinesToVectors(delta, () => [1])).toThrow(UsageError);
    expect(meanRowNorm(delta)).toBe(1);
  });

  it('should draw random directions of the norm asked for, uniform over the sphere', () => {
    const vectors = normMatchedRandomDirections(400, 2.5, 20, createRandom(3));
    for (const vector of vectors) expect(norm(vector)).toBeCloseTo(2.5, 12);
    const cosines = vectors.slice(1).map((vector) => cosine(vector, vectors[0] ?? []));
    const meanSquare = cosines.reduce((sum, value) => sum + value * value, 0) / cosines.length;
    // E cos² = 1/d for directions drawn uniformly.
    expect(meanSquare).toBeGreaterThan(0.04);
    expect(meanSquare).toBeLessThan(0.06);
    expect(normMatchedRandomDirections(2, 1, 5, createRandom(3))).toEqual(
      normMatchedRandomDirections(2, 1, 5, createRandom(3)),
    );
  });
});
