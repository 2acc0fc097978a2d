/** What the dense algebra offers, whoever does it. */
import type { Matrix } from './matrix.js';

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
