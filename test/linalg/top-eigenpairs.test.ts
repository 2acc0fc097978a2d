import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ComputationError, UsageError } from '../../src/base/index.js';
import {
  denseAlgebra,
  dot,
  matrix,
  matrixFromRows,
  rowOf,
  topEigenpairs,
  topEigenpairsOf,
  topEigenvalues,
} from '../../src/linalg/index.js';
import { expectClose, greatest, randomMatrix, symmetricMatrices } from './laws.js';

const portable = denseAlgebra('portable');

describe('leading eigenpairs', () => {
  it('should equal those of the full decomposition, with the residuals they claim', () => {
    fc.assert(
      fc.property(symmetricMatrices(60), fc.integer({ min: 1, max: 4 }), (a, wanted) => {
        const k = Math.min(wanted, a.rows);
        const { values, vectors, residuals } = topEigenpairs(a, k);
        const expected = portable.symmetricEigenvalues(a);
        const size = 1 + Math.max(Math.abs(expected[0] as number), Math.abs(expected.at(-1) as number));
        expectClose(values, expected.slice(0, k), 1e-11 * size);
        for (let i = 0; i < k; i++) {
          expect(Math.sqrt(dot(rowOf(vectors, i), rowOf(vectors, i)))).toBeCloseTo(1, 10);
          const image = Float64Array.from({ length: a.rows }, (_, r) => dot(rowOf(a, r), rowOf(vectors, i)));
          const residual = image.map(
            (value, r) => value - (values[i] as number) * (rowOf(vectors, i)[r] as number),
          );
          if (!Number.isNaN(residuals[i])) {
            expect(Math.sqrt(dot(residual, residual))).toBeLessThanOrEqual(
              2 * (residuals[i] as number) + 1e-12 * size,
            );
          }
        }
      }),
    );
  });

  it('should find each copy of a repeated eigenvalue', () => {
    const n = 70;
    const a = matrix(n, n);
    for (let i = 0; i < n; i++) a.data[i * n + i] = i === 11 || i === 60 ? 5 : i === 33 ? 4 : 1 / (1 + i);
    expectClose(topEigenvalues(a, 3), [5, 5, 4], 1e-10);
    const { vectors } = topEigenpairs(a, 2);
    expect(dot(rowOf(vectors, 0), rowOf(vectors, 1))).toBeCloseTo(0, 8);
    const identity = matrix(
      n,
      n,
      Float64Array.from(a.data, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    );
    expectClose(topEigenvalues(identity, 3), [1, 1, 1], 1e-12);
    expectClose(topEigenvalues(matrix(n, n), 2), [0, 0], 0);
  });

  it('should not be misled by a start that is orthogonal to the leading eigenvector', () => {
    const n = 64;
    const a = matrix(n, n);
    for (let i = 0; i < n; i++) a.data[i * n + i] = n - i;
    // In the span of the lower half of the eigenvectors, which no power of the matrix leaves.
    const start = matrixFromRows(
      [1, 2].map((k) => Float64Array.from({ length: n }, (_, i) => (i < n / 2 ? 0 : 1 + ((k * i) % 5)))),
    );
    expectClose(topEigenvalues(a, 2, { start }), [n, n - 1], 1e-9);
  });

  it('should need few products from the eigenvectors of a matrix nearby', () => {
    const x = randomMatrix(300, 90, 3);
    const a = portable.gram(x, 'columns');
    const { vectors } = topEigenpairs(a, 2);
    let products = 0;
    const counted = topEigenpairsOf(
      {
        size: a.rows,
        apply: (vector, out) => {
          products++;
          for (let i = 0; i < out.length; i++) out[i] = dot(rowOf(a, i), vector);
        },
      },
      2,
      { start: vectors, tolerance: 1e-9 },
    );
    expectClose(counted?.values ?? [], portable.symmetricEigenvalues(a).slice(0, 2), 1e-9 * greatest(a) * 90);
    expect(products).toBeLessThanOrEqual(16);
  });

  it('should refuse what has no such eigenvalues', () => {
    expect(() => topEigenvalues(matrix(2, 3), 1)).toThrow(UsageError);
    expect(() => topEigenvalues(matrix(2, 2), 3)).toThrow(UsageError);
    expect(() => topEigenvalues(matrix(2, 2), 0)).toThrow(UsageError);
    expect(() => topEigenvalues(matrixFromRows([[Number.NaN]]), 1)).toThrow(ComputationError);
  });
});
