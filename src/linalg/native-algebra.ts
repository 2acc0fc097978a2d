/** Dense algebra by the machine's BLAS, and by its LAPACK where there is one. */

import { ComputationError } from '../base/index.js';
import type { DenseAlgebra } from './dense-algebra.js';
import { matrix } from './matrix.js';
import type { NativeBlas } from './native-blas.js';
import { portableAlgebra } from './portable-algebra.js';

const failOn = (info: number, routine: string): void => {
  if (info !== 0) {
    throw new ComputationError(`LAPACK's ${routine} failed (info ${info})`, {
      hint: info > 0 ? 'it did not converge: are there extreme values in the matrix?' : 'argument refused',
    });
  }
};

const mirrorUpper = (n: number, c: Float64Array): void => {
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) c[j * n + i] = c[i * n + j] as number;
  }
};

/** Decompositions fall back to the portable ones where the library comes without LAPACK. */
export const createNativeAlgebra = (blas: NativeBlas): DenseAlgebra => {
  const { lapack } = blas;
  return {
    name: 'native',

    multiply: (a, b, transposeA, transposeB) => {
      const m = transposeA ? a.columns : a.rows;
      const k = transposeA ? a.rows : a.columns;
      const n = transposeB ? b.rows : b.columns;
      const c = matrix(m, n);
      if (m * n * k > 0) {
        blas.dgemm(transposeA, transposeB, m, n, k, 1, a.data, a.columns, b.data, b.columns, 0, c.data, n);
      }
      return c;
    },

    gram: (x, side) => {
      const n = side === 'rows' ? x.rows : x.columns;
      const k = side === 'rows' ? x.columns : x.rows;
      const c = matrix(n, n);
      if (n * k > 0) blas.dsyrk(side === 'columns', n, k, 1, x.data, x.columns, 0, c.data, n);
      mirrorUpper(n, c.data);
      return c;
    },

    applySymmetric: (a, x, out) => blas.dsymv(a.rows, a.data, x, out),

    symmetricEigen: (a) => {
      if (!lapack || a.rows === 0) return portableAlgebra.symmetricEigen(a);
      const n = a.rows;
      const ascending = new Float64Array(n);
      const vectors = a.data.slice();
      // Column-major eigenvectors in columns are row-major eigenvectors in rows.
      failOn(lapack.dsyevd('column', true, n, vectors, ascending), 'dsyevd');
      for (let top = 0, bottom = n - 1; top < bottom; top++, bottom--) {
        const held = vectors.slice(top * n, (top + 1) * n);
        vectors.copyWithin(top * n, bottom * n, (bottom + 1) * n);
        vectors.set(held, bottom * n);
      }
      return { values: ascending.reverse(), vectors: matrix(n, n, vectors) };
    },

    symmetricEigenvalues: (a) => {
      if (!lapack || a.rows === 0) return portableAlgebra.symmetricEigenvalues(a);
      const ascending = new Float64Array(a.rows);
      failOn(lapack.dsyevd('column', false, a.rows, a.data.slice(), ascending), 'dsyevd');
      return ascending.reverse();
    },

    singularValueDecomposition: (x) => {
      const rank = Math.min(x.rows, x.columns);
      if (!lapack || rank === 0) return portableAlgebra.singularValueDecomposition(x);
      // A row-major X is a column-major Xᵀ = V·S·Uᵀ: LAPACK's left factor is then Vᵀ, and its right one U, row-major.
      const values = new Float64Array(rank);
      const right = matrix(rank, x.columns);
      const left = matrix(x.rows, rank);
      failOn(
        lapack.dgesdd('column', 'thin', x.columns, x.rows, x.data.slice(), values, right.data, left.data),
        'dgesdd',
      );
      return { left, values, right };
    },
  };
};
