/** Displacements Δh = h_policy − h_base, and vectors and norms made of them. */

import { ComputationError, UsageError } from '../base/index.js';
import { addScaled, assertFinite, type Matrix, matrix, norm, rowOf } from '../linalg/index.js';

/** Hidden states [n, d], row-major. */
export type HiddenStateArray = Float32Array | Float64Array;

/**
 * ΔH [n, d]: one displacement a row. States in float32 are subtracted in float32, the precision they were computed in,
 * and then widened, so that the same file gives the same numbers as other tools give.
 *
 * @throws {UsageError} if either array does not hold n·d numbers
 * @throws {InputError} naming the row, if a state is NaN or infinite
 */
export const displacements = (
  base: HiddenStateArray,
  policy: HiddenStateArray,
  n: number,
  d: number,
): Matrix => {
  if (base.length !== n * d || policy.length !== n * d) {
    throw new UsageError(
      `[${n}, ${d}] hidden states need ${n * d} numbers; base has ${base.length}, policy has ${policy.length}`,
    );
  }
  const delta = new Float64Array(n * d);
  if (base instanceof Float32Array && policy instanceof Float32Array) {
    for (let i = 0; i < delta.length; i++)
      delta[i] = Math.fround((policy[i] as number) - (base[i] as number));
  } else {
    for (let i = 0; i < delta.length; i++) delta[i] = (policy[i] as number) - (base[i] as number);
  }
  const result = matrix(n, d, delta);
  assertFinite(result, 'displacement of the hidden states');
  return result;
};

/**
 * The steering vector: the mean of ΔH's rows [d], weighted where weights [n] are given.
 *
 * @throws {UsageError} if the number of weights is not the number of rows
 * @throws {ComputationError} if there is nothing to average
 */
export const steeringVector = (delta: Matrix, weights?: ArrayLike<number>): Float64Array => {
  if (weights && weights.length !== delta.rows) {
    throw new UsageError(`${delta.rows} displacements need as many weights, not ${weights.length}`);
  }
  const mean = new Float64Array(delta.columns);
  let total = 0;
  for (let i = 0; i < delta.rows; i++) {
    const weight = weights ? (weights[i] as number) : 1;
    if (weight === 0) continue;
    total += weight;
    addScaled(mean, weight, rowOf(delta, i));
  }
  if (!(total > 0))
    throw new ComputationError('a steering vector needs at least one displacement to average');
  return mean.map((value) => value / total);
};

/** ‖row‖ of each row [n]. */
export const rowNorms = (x: Matrix): Float64Array =>
  Float64Array.from({ length: x.rows }, (_, i) => norm(rowOf(x, i)));

/** Mean of the rows' norms; NaN of no rows. */
export const meanRowNorm = (x: Matrix): number =>
  rowNorms(x).reduce((sum, length) => sum + length, 0) / x.rows;

/** ΔH with the mean row taken from each row. */
export const centred = (delta: Matrix): Matrix => {
  const mean = steeringVector(delta);
  const result = matrix(delta.rows, delta.columns, delta.data.slice());
  for (let i = 0; i < delta.rows; i++) addScaled(rowOf(result, i), -1, mean);
  return result;
};
