/** Products and symmetric eigenpairs: the checked face over whichever algebra does the work. */

import { UsageError } from '../base/index.js';
import { type AlgebraOptions, denseAlgebra } from './algebra.js';
import type { GramSide, SymmetricEigen } from './dense-algebra.js';
import { assertFinite, type Matrix } from './matrix.js';

export interface MultiplyOptions extends AlgebraOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * op(A) [m, k] · op(B) [k, n].
 *
 * @throws {UsageError} if the inner sizes differ
 */
export const multiply = (a: Matrix, b: Matrix, options: MultiplyOptions = {}): Matrix => {
  const { transposeA = false, transposeB = false, algebra } = options;
  const inner = transposeA ? a.rows : a.columns;
  const other = transposeB ? b.columns : b.rows;
  if (inner !== other) throw new UsageError(`cannot multiply: inner sizes ${inner} and ${other} differ`);
  return denseAlgebra(algebra).multiply(a, b, transposeA, transposeB);
};

/** X·Xᵀ [rows, rows] or Xᵀ·X [columns, columns]. */
export const gram = (x: Matrix, side: GramSide, { algebra }: AlgebraOptions = {}): Matrix =>
  denseAlgebra(algebra).gram(x, side);

/**
 * All eigenvalues (descending) and eigenvectors (rows) of a symmetric [n, n] matrix.
 *
 * @throws {UsageError} if the matrix is not square
 * @throws {InputError} if it holds NaN or an infinity
 */
export const symmetricEigen = (a: Matrix, { algebra }: AlgebraOptions = {}): SymmetricEigen => {
  if (a.rows !== a.columns) throw new UsageError(`a [${a.rows}, ${a.columns}] matrix has no eigenvectors`);
  assertFinite(a, 'matrix to decompose');
  return denseAlgebra(algebra).symmetricEigen(a);
};
