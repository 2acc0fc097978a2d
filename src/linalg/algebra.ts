/** Which code does the dense algebra: the machine's BLAS and LAPACK, or TypeScript alone. */

import { ResourceError } from '../base/index.js';
import type { Matrix } from './matrix.js';
import { createNativeAlgebra } from './native-algebra.js';
import { loadNativeBlas } from './native-blas.js';
import { portableAlgebra } from './portable-algebra.js';

/** `rows`: X·Xᵀ; `columns`: Xᵀ·X. */
export type GramSide = 'rows' | 'columns';

export interface SymmetricEigen {
  /** Eigenvalues [n], descending. */
  readonly values: Float64Array;
  /** Unit eigenvectors [n, n]: ROW k belongs to `values[k]`. The sign of a row is arbitrary. */
  readonly vectors: Matrix;
}

/** A = U·S·Vᵀ of an [m, n] matrix, r = min(m, n). */
export interface SingularValueDecomposition {
  /** Left singular vectors [m, r], one a column. */
  readonly left: Matrix;
  /** Singular values [r], descending. */
  readonly values: Float64Array;
  /** Right singular vectors [r, n], one a ROW (that is Vᵀ). */
  readonly right: Matrix;
}

/** The products and decompositions everything else is made of. Inputs are not changed. */
export interface DenseAlgebra {
  readonly name: 'native' | 'portable';
  /** op(A)·op(B), op being the transpose where asked for. */
  multiply(a: Matrix, b: Matrix, transposeA: boolean, transposeB: boolean): Matrix;
  gram(x: Matrix, side: GramSide): Matrix;
  /** Writes A·x into `out`; A [n, n] symmetric, x and out [n]. */
  applySymmetric(a: Matrix, x: Float64Array, out: Float64Array): void;
  symmetricEigen(a: Matrix): SymmetricEigen;
  /** Eigenvalues alone [n], descending. */
  symmetricEigenvalues(a: Matrix): Float64Array;
  singularValueDecomposition(x: Matrix): SingularValueDecomposition;
}

/** `auto` takes native code where a BLAS library is found. */
export type AlgebraName = 'auto' | 'native' | 'portable';

/** The option every function here takes; `auto` if left out. */
export interface AlgebraOptions {
  readonly algebra?: AlgebraName | DenseAlgebra;
}

/**
 * The dense algebra of that name.
 *
 * @throws {ResourceError} if `native` is asked for and no BLAS library is found
 */
export const denseAlgebra = (name: AlgebraName | DenseAlgebra = 'auto'): DenseAlgebra => {
  if (typeof name !== 'string') return name;
  if (name === 'portable') return portableAlgebra;
  const blas = loadNativeBlas();
  if (!('unavailable' in blas)) return createNativeAlgebra(blas);
  if (name === 'auto') return portableAlgebra;
  throw new ResourceError(`no native linear algebra: ${blas.unavailable}`, {
    hint: 'install a BLAS library (Debian: libopenblas0-pthread liblapacke), or use the portable algebra',
  });
};
