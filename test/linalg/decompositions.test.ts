import fc from 'fast-check';
import { EigenvalueDecomposition, Matrix as MlMatrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { InputError, UsageError } from '../../src/base/index.js';
import {
  assertFinite,
  denseAlgebra,
  dot,
  type Matrix,
  matrix,
  matrixFromRows,
  multiply,
  norm,
  rightSingularVectors,
  rowOf,
  singularSpectrum,
  singularValues,
  symmetricEigen,
} from '../../src/linalg/index.js';
import {
  algebras,
  expectClose,
  greatest,
  hasNative,
  matrices,
  nativeReason,
  randomMatrix,
  symmetricMatrices,
} from './laws.js';

const diagonal = (values: ArrayLike<number>): Matrix => {
  const out = matrix(values.length, values.length);
  for (let i = 0; i < values.length; i++) out.data[i * values.length + i] = values[i] as number;
  return out;
};

const expectOrthonormalRows = (rows: Matrix): void =>
  expectClose(
    multiply(rows, rows, { transposeB: true, algebra: 'portable' }).data,
    diagonal(new Float64Array(rows.rows).fill(1)).data,
    1e-12,
  );

describe.each(algebras)('decompositions by the $name algebra', (algebra) => {
  it('should rebuild a symmetric matrix from its eigenpairs, values descending', () => {
    fc.assert(
      fc.property(symmetricMatrices(16), (a) => {
        const { values, vectors } = symmetricEigen(a, { algebra });
        expect(Array.from(values)).toEqual([...values].sort((x, y) => y - x));
        expectOrthonormalRows(vectors);
        const rebuilt = multiply(vectors, multiply(diagonal(values), vectors), { transposeA: true });
        expectClose(rebuilt.data, a.data, 1e-12 * (1 + greatest(a)) * a.rows);
        expectClose(algebra.symmetricEigenvalues(a), values, 1e-12 * (1 + greatest(a)) * a.rows);
      }),
    );
  });

  it('should rebuild a matrix from U·S·Vᵀ', () => {
    fc.assert(
      fc.property(matrices(), (x) => {
        const { left, values, right } = algebra.singularValueDecomposition(x);
        expect(values.length).toBe(Math.min(x.rows, x.columns));
        expectOrthonormalRows(right);
        const rebuilt = multiply(left, multiply(diagonal(values), right));
        expectClose(rebuilt.data, x.data, 1e-12 * (1 + greatest(x)) * x.rows);
      }),
    );
  });

  it('should find by the Gram matrix the singular values of a direct decomposition', () => {
    fc.assert(
      fc.property(matrices(14), (x) => {
        const direct = algebra.singularValueDecomposition(x).values;
        const values = singularValues(x, { algebra });
        values.forEach((value, k) => {
          // Squaring the condition costs (σ1/σ)² in relative accuracy.
          const allowed = 1e-13 * ((direct[0] as number) / (direct[k] as number)) * (direct[0] as number);
          expect(Math.abs(value - (direct[k] as number))).toBeLessThanOrEqual(allowed);
        });
      }),
    );
  });

  it('should give the leading right singular vectors, also where the Gram matrix cannot', () => {
    fc.assert(
      fc.property(matrices(), (x) => {
        const k = Math.min(3, x.rows, x.columns);
        const { right, values } = algebra.singularValueDecomposition(x);
        const found = rightSingularVectors(x, k, { algebra });
        const [s0 = 0] = values;
        for (let i = 0; i < k; i++) {
          const above =
            i === 0 ? Number.POSITIVE_INFINITY : (values[i - 1] as number) - (values[i] as number);
          const below = (values[i] as number) - (values[i + 1] ?? 0);
          if (Math.min(above, below) < 1e-3 * s0 || (values[i] as number) < 1e-4 * s0) continue;
          expect(Math.abs(dot(rowOf(found, i), rowOf(right, i)))).toBeGreaterThan(1 - 1e-8);
        }
      }),
    );
  });

  it('should fall back to a direct decomposition where σ lies under the floor, or report 0 if asked to', () => {
    const [u, v] = [symmetricEigen(randomish(6)).vectors, symmetricEigen(randomish(5)).vectors];
    const sigma = [1, 1e-3, 1e-9, 1e-11, 0];
    const scaled = matrixFromRows(sigma.map((value, k) => rowOf(v, k).map((entry) => entry * value)));
    const x = multiply(matrix(5, 6, u.data.slice(0, 30)), scaled, { transposeA: true });
    expectClose(singularValues(x, { algebra }), sigma, 1e-14);
    const floored = singularValues(x, { algebra, tail: 'zero' });
    expectClose(floored, [1, 1e-3, 0, 0, 0], 1e-12);
    expect(Array.from(floored.slice(2))).toEqual([0, 0, 0]);
  });

  it('should not lose matrices so large or so small that their squares leave the range of float64', () => {
    for (const scale of [1e-250, 1e250]) {
      const x = matrixFromRows([
        [3 * scale, 0, 0],
        [0, 4 * scale, 0],
      ]);
      const values = singularValues(x, { algebra });
      expect((values[0] as number) / scale).toBeCloseTo(4, 12);
      expect((values[1] as number) / scale).toBeCloseTo(3, 12);
    }
  });

  it('should report zeros for a zero matrix, and nothing for an empty one', () => {
    const { values, leading } = singularSpectrum(matrix(3, 2), { algebra });
    expect([Array.from(values), Array.from(leading)]).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(singularValues(matrix(0, 4), { algebra }).length).toBe(0);
  });

  it('should refuse NaN and infinities, naming the row', () => {
    const x = matrixFromRows([
      [1, 2],
      [3, Number.NaN],
    ]);
    expect(() => singularValues(x, { algebra })).toThrow(InputError);
    expect(() => singularValues(x, { algebra })).toThrow(/row 1, column 1 is NaN/);
    expect(() => symmetricEigen(x, { algebra })).toThrow(/row 1/);
    expect(() => assertFinite(matrixFromRows([[Number.NEGATIVE_INFINITY]]), 'states of layer 3')).toThrow(
      /states of layer 3: row 0, column 0 is -Infinity/,
    );
  });

  it('should refuse shapes that have no such decomposition', () => {
    expect(() => symmetricEigen(matrix(2, 3), { algebra })).toThrow(UsageError);
    expect(() => rightSingularVectors(matrix(2, 3), 3, { algebra })).toThrow(UsageError);
  });
});

const randomish = (n: number): Matrix => {
  const x = randomMatrix(n, n, n);
  return multiply(x, x, { transposeB: true });
};

describe('the algebras', () => {
  it.skipIf(!hasNative)(`should agree on spectra and products${nativeReason}`, () => {
    const [native, portable] = [denseAlgebra('native'), denseAlgebra('portable')];
    fc.assert(
      fc.property(matrices(40), (x) => {
        const scale = 1 + greatest(x) ** 2 * Math.max(x.rows, x.columns);
        const [a, b] = [native.gram(x, 'columns'), portable.gram(x, 'columns')];
        expectClose(a.data, b.data, 1e-14 * scale);
        expectClose(native.symmetricEigenvalues(a), portable.symmetricEigenvalues(a), 1e-13 * scale);
        expectClose(
          native.singularValueDecomposition(x).values,
          portable.singularValueDecomposition(x).values,
          1e-13 * scale,
        );
      }),
      { numRuns: 40 },
    );
  });

  it('should agree with ml-matrix on eigenvalues', () => {
    fc.assert(
      fc.property(symmetricMatrices(30), (a) => {
        const rows = Array.from({ length: a.rows }, (_, i) => Array.from(rowOf(a, i)));
        const expected = new EigenvalueDecomposition(new MlMatrix(rows), { assumeSymmetric: true })
          .realEigenvalues;
        const values = denseAlgebra('portable').symmetricEigenvalues(a);
        expectClose(
          values,
          expected.sort((x, y) => y - x),
          1e-13 * (1 + greatest(a)) * a.rows,
        );
      }),
      { numRuns: 50 },
    );
  });

  it('should leave their inputs unchanged', () => {
    for (const algebra of algebras) {
      const x = randomish(6);
      const before = Array.from(x.data);
      symmetricEigen(x, { algebra });
      singularValues(x, { algebra });
      algebra.singularValueDecomposition(x);
      expect(Array.from(x.data)).toEqual(before);
      expect(norm(x.data)).toBeGreaterThan(0);
    }
  });
});
