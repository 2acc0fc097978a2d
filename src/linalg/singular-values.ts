/** Singular values and right singular vectors, through the Gram matrix of the smaller side where that is accurate. */

import { UsageError } from '../base/index.js';
import { type AlgebraOptions, denseAlgebra } from './algebra.js';
import type { DenseAlgebra, GramSide } from './dense-algebra.js';
import { assertFinite, type Matrix, matrix, rowOf } from './matrix.js';
import { topEigenpairs } from './top-eigenpairs.js';
import { norm } from './vectors.js';

/** The side whose Gram matrix is the smaller. */
export const smallerSide = ({ rows, columns }: Matrix): GramSide => (rows < columns ? 'rows' : 'columns');

/**
 * Below this share of σ₁ a singular value from the Gram matrix is spoilt: squaring the condition leaves it a relative
 * error of about ε·(σ₁/σ)², which is some 1e-2 here and all of it at 1e-8.
 */
export const GRAM_FLOOR = 1e-7;

export interface SingularValueOptions extends AlgebraOptions {
  /**
   * What becomes of singular values under `GRAM_FLOOR`·σ₁. `direct` (default): the whole matrix is decomposed again by
   * a direct SVD, accurate to about ε·σ₁. `zero`: they are reported as 0, the noise floor of this method; right where
   * only their energies count (each below 1e-14 of the first) and a rank deficiency is expected, as after centring.
   */
  readonly tail?: 'direct' | 'zero';
}

export interface SingularSpectrum {
  /** σ [min(rows, columns)], descending. */
  readonly values: Float64Array;
  /** First right singular vector [columns], unit, sign arbitrary; zeros where the matrix is zero. */
  readonly leading: Float64Array;
}

/** A matrix, scaled where its squares could leave float64's range, with the Gram matrix of its smaller side. */
interface Prepared {
  readonly x: Matrix;
  readonly scale: number;
  readonly products: Matrix;
  readonly algebra: DenseAlgebra;
}

/** A power of two, so that scaling is exact, near the greatest entry. */
const scaleOf = ({ data }: Matrix): number => {
  let greatest = 0;
  for (let i = 0; i < data.length; i++) greatest = Math.max(greatest, Math.abs(data[i] as number));
  return greatest === 0 ? 1 : 2 ** Math.min(1022, Math.max(-1022, Math.floor(Math.log2(greatest))));
};

/** Σ of the squares of all entries: NaN or infinite where an entry is, or where squares overflow. */
const traceOf = ({ rows, data }: Matrix): number => {
  let trace = 0;
  for (let i = 0; i < rows; i++) trace += data[i * rows + i] as number;
  return trace;
};

const prepare = (input: Matrix, algebra: DenseAlgebra): Prepared => {
  const products = algebra.gram(input, smallerSide(input));
  const trace = traceOf(products);
  if (trace > 1e-200 && trace < 1e200) return { x: input, scale: 1, products, algebra };
  assertFinite(input, 'matrix to decompose');
  const scale = scaleOf(input);
  const x = matrix(
    input.rows,
    input.columns,
    input.data.map((value) => value / scale),
  );
  return { x, scale, products: algebra.gram(x, smallerSide(x)), algebra };
};

const isSpoilt = (values: Float64Array): boolean => (values.at(-1) ?? 0) < GRAM_FLOOR * (values[0] ?? 0);

const rootOf = (value: number): number => Math.sqrt(Math.max(0, value));

const valuesOf = ({ x, scale, products, algebra }: Prepared, tail: 'direct' | 'zero'): Float64Array => {
  const values = algebra.symmetricEigenvalues(products).map(rootOf);
  if (!isSpoilt(values)) return values.map((value) => value * scale);
  if (tail === 'direct') return algebra.singularValueDecomposition(x).values.map((value) => value * scale);
  const floor = GRAM_FLOOR * (values[0] ?? 0);
  return values.map((value) => (value < floor ? 0 : value * scale));
};

/** Unit right singular vectors as rows, from the leading eigenvectors of the Gram matrix. */
const rightVectors = ({ x, algebra }: Prepared, eigenvectors: Matrix): Matrix => {
  if (smallerSide(x) === 'columns') return eigenvectors;
  const right = algebra.multiply(eigenvectors, x, false, false);
  for (let i = 0; i < right.rows; i++) {
    const row = rowOf(right, i);
    const length = norm(row);
    if (length > 0) row.set(row.map((value) => value / length));
  }
  return right;
};

/**
 * Singular values [min(rows, columns)], descending.
 *
 * @throws {InputError} if X holds NaN or an infinity
 */
export const singularValues = (
  x: Matrix,
  { algebra, tail = 'direct' }: SingularValueOptions = {},
): Float64Array =>
  x.data.length === 0 ? new Float64Array(0) : valuesOf(prepare(x, denseAlgebra(algebra)), tail);

/**
 * Singular values and the first right singular vector, from one Gram matrix.
 *
 * @throws {InputError} if X holds NaN or an infinity
 */
export const singularSpectrum = (
  x: Matrix,
  { algebra, tail = 'direct' }: SingularValueOptions = {},
): SingularSpectrum => {
  if (x.data.length === 0) return { values: new Float64Array(0), leading: new Float64Array(x.columns) };
  const prepared = prepare(x, denseAlgebra(algebra));
  const values = valuesOf(prepared, tail);
  if ((values[0] ?? 0) === 0) return { values, leading: new Float64Array(x.columns) };
  const { vectors } = topEigenpairs(prepared.products, 1, { algebra: prepared.algebra, accurate: 'vectors' });
  return { values, leading: rightVectors(prepared, vectors).data };
};

/**
 * The first k right singular vectors as ROWS [k, columns], signs arbitrary. By the Gram matrix, or by a direct SVD where
 * the k-th singular value lies below `GRAM_FLOOR`·σ₁.
 *
 * @throws {UsageError} if k exceeds min(rows, columns)
 * @throws {InputError} if X holds NaN or an infinity
 */
export const rightSingularVectors = (x: Matrix, k: number, { algebra }: AlgebraOptions = {}): Matrix => {
  if (!(k >= 1 && k <= Math.min(x.rows, x.columns))) {
    throw new UsageError(`a [${x.rows}, ${x.columns}] matrix has no ${k} right singular vectors`);
  }
  const prepared = prepare(x, denseAlgebra(algebra));
  const pairs = topEigenpairs(prepared.products, k, { algebra: prepared.algebra, accurate: 'vectors' });
  const values = pairs.values.map(rootOf);
  if ((values[0] ?? 0) > 0 && !isSpoilt(values)) return rightVectors(prepared, pairs.vectors);
  const { right } = prepared.algebra.singularValueDecomposition(prepared.x);
  return matrix(k, x.columns, right.data.slice(0, k * x.columns));
};
