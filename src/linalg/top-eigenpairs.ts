/**
 * The few largest eigenvalues of a symmetric operator, by a block Krylov method (Lanczos with full reorthogonalisation
 * and thick restarts). From a good start it needs a handful of products: made for bootstraps, where thousands of nearly
 * equal matrices follow one another.
 */

import { ComputationError, UsageError } from '../base/index.js';
import { type AlgebraOptions, denseAlgebra } from './algebra.js';
import { KrylovSubspace, type SymmetricOperator } from './krylov-subspace.js';
import { type Matrix, matrix, matrixFromRows, rowOf } from './matrix.js';
import { addScaled, allFinite, norm } from './vectors.js';

export interface TopEigenOptions {
  /** Guesses of the leading eigenvectors, one a row; they need be neither orthogonal nor unit. */
  readonly start?: Matrix;
  /** Bound on the error of each eigenvalue, as a share of it. Default 1e-12. */
  readonly tolerance?: number;
  /**
   * What the tolerance is for. `values` (default): a pair counts by the error of its value, ‖r‖²/gap, which leaves its
   * vector an error of about the square root of that; `vectors`: by its residual ‖r‖ itself.
   */
  readonly accurate?: 'values' | 'vectors';
}

export interface TopEigenpairs {
  /** The k largest eigenvalues (by value, not by magnitude), descending. */
  readonly values: Float64Array;
  /** Their unit eigenvectors [k, size], one a row. */
  readonly vectors: Matrix;
  /** ‖A·v − λ·v‖ of each pair, computed from the products themselves. */
  readonly residuals: Float64Array;
}

/** How much noise is mixed into the start, so that no eigenvector is orthogonal to all of it. */
const START_NOISE = 1e-3;
/** Products of the operator with a vector, after which the iteration is given up. */
const MOST_PRODUCTS = 400;

const startSpace = (
  operator: SymmetricOperator,
  block: number,
  start: Matrix | undefined,
): KrylovSubspace => {
  const space = new KrylovSubspace(operator);
  for (let i = 0; i < block; i++) {
    const vector = space.noise();
    const guess = start && i < start.rows ? rowOf(start, i) : vector;
    const length = norm(guess);
    if (guess !== vector && length > 0 && Number.isFinite(length)) {
      for (let j = 0; j < vector.length; j++) {
        vector[j] = START_NOISE * (vector[j] as number) + (guess[j] as number) / length;
      }
    }
    space.extend(vector);
  }
  return space;
};

/** Distance of Ritz value i to its nearest neighbour. */
const gapAt = (values: Float64Array, i: number): number =>
  Math.min(
    i > 0 ? (values[i - 1] as number) - (values[i] as number) : Number.POSITIVE_INFINITY,
    i + 1 < values.length ? (values[i] as number) - (values[i + 1] as number) : Number.POSITIVE_INFINITY,
  );

const settledPairs = (
  space: KrylovSubspace,
  k: number,
  { tolerance = 1e-12, accurate = 'values' }: TopEigenOptions,
): { settled: boolean; pairs: TopEigenpairs } => {
  const { values, coefficients } = space.ritz(k);
  const size = Math.max(Math.abs(values[0] as number), Math.abs(values.at(-1) as number));
  const residuals = new Float64Array(k);
  let settled = true;
  const vectors = coefficients.map((row, i) => {
    const value = values[i] as number;
    const vector = space.vector(row);
    const residual = space.image(row);
    addScaled(residual, -value, vector);
    const r = norm(residual);
    residuals[i] = r;
    const bound = accurate === 'vectors' ? r : Math.min(r, (r * r) / gapAt(values, i));
    settled &&= bound <= Math.max(tolerance * Math.abs(value), 8 * Number.EPSILON * size);
    return vector;
  });
  return { settled, pairs: { values: values.slice(0, k), vectors: matrixFromRows(vectors), residuals } };
};

/**
 * The k largest eigenpairs of an operator, or undefined if they do not settle. A pair is accepted when the bound
 * min(‖r‖, ‖r‖²/gap) on the error of its eigenvalue (r the residual, gap to the next Ritz value) is under the tolerance.
 */
export const topEigenpairsOf = (
  operator: SymmetricOperator,
  k: number,
  options: TopEigenOptions = {},
): TopEigenpairs | undefined => {
  const n = operator.size;
  if (k < 1 || k > n)
    throw new UsageError(`a symmetric operator of size ${n} has no ${k} leading eigenvalues`);
  const { start } = options;
  const block = Math.min(n, Math.max(k, start?.rows ?? 0));
  const room = Math.min(n, 4 * block + 20);
  const space = startSpace(operator, block, start);
  for (let step = 1; space.products < MOST_PRODUCTS; step++) {
    const full = space.dimension === n;
    const due = (step > 2 && step % 2 === 0) || full || space.dimension + block > room;
    if (due) {
      const found = settledPairs(space, k, options);
      if (found.settled || full) return found.pairs;
      if (space.dimension + block > room && room < n) {
        space.restart(Math.min(space.dimension - 1, k + block + 4), block);
        continue;
      }
    }
    space.grow(block);
  }
  return undefined;
};

/**
 * The k largest eigenpairs of a symmetric matrix; by the full decomposition where iterating does not settle.
 *
 * @throws {UsageError} if the matrix is not square or k is out of range
 * @throws {ComputationError} if the matrix holds NaN or an infinity
 */
export const topEigenpairs = (
  a: Matrix,
  k: number,
  { algebra, ...options }: TopEigenOptions & AlgebraOptions = {},
): TopEigenpairs => {
  if (a.rows !== a.columns) throw new UsageError(`a [${a.rows}, ${a.columns}] matrix has no eigenvalues`);
  if (!allFinite(a.data)) throw new ComputationError('a symmetric matrix holds NaN or an infinity');
  const dense = denseAlgebra(algebra);
  const operator = {
    size: a.rows,
    apply: (vector: Float64Array, out: Float64Array) => dense.applySymmetric(a, vector, out),
  };
  const found = topEigenpairsOf(operator, k, options);
  if (found) return found;
  const { values, vectors } = dense.symmetricEigen(a);
  return {
    values: values.slice(0, k),
    vectors: matrix(k, a.rows, vectors.data.slice(0, k * a.rows)),
    residuals: new Float64Array(k).fill(Number.NaN),
  };
};

/** The k largest eigenvalues alone, descending; see `topEigenpairs`. */
export const topEigenvalues = (
  a: Matrix,
  k: number,
  options: TopEigenOptions & AlgebraOptions = {},
): Float64Array => topEigenpairs(a, k, options).values;
