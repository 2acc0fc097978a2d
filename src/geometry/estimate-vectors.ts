/** Other ways than the mean to make one steering vector of a displacement. */

import { UsageError } from '../base/index.js';
import { dot, type Matrix, matrix, rightSingularVectors, rowOf, singularSpectrum } from '../linalg/index.js';
import type { Folds } from './cross-fit.js';
import { crossFitVectors } from './cross-fit.js';
import { centred, steeringVector } from './displacements.js';

/**
 * - `mean`: the mean of Δh, v*;
 * - `leading-singular`: along the leading right singular vector of ΔH, uncentred;
 * - `principal`: along the k-th principal direction of ΔH, centred, as the authors' first code had it;
 * - `per-source`: the mean over source documents of each one's mean.
 *
 * A direction u has neither sign nor length of its own: it becomes ⟨v*, u⟩u, which agrees with the mean and is as long as
 * the mean's projection on it.
 */
export type VectorEstimator = 'mean' | 'leading-singular' | 'principal' | 'per-source';

export interface VectorEstimate {
  readonly estimator: VectorEstimator;
  /** Which principal direction, counted from 1. */
  readonly component: number;
}

const along = (direction: Float64Array, mean: Float64Array): Float64Array => {
  const length = dot(mean, direction);
  return direction.map((value) => length * value);
};

const principalDirection = (delta: Matrix, component: number): Float64Array => {
  const most = Math.min(delta.rows - 1, delta.columns);
  if (component > most) {
    throw new UsageError(
      `${delta.rows} displacements of ${delta.columns} dimensions have ${most} principal directions, and no ${component}th`,
    );
  }
  return rowOf(rightSingularVectors(centred(delta), component), component - 1);
};

/** 1 over the number of rows of the same source, for each row [n]. */
const sourceWeights = (sources: ArrayLike<string>): Float64Array => {
  const count = new Map<string, number>();
  for (const source of Array.from(sources)) count.set(source, (count.get(source) ?? 0) + 1);
  return Float64Array.from(Array.from(sources), (source) => 1 / (count.get(source) ?? 1));
};

/**
 * One vector [d] of all rows of ΔH.
 *
 * @param sources source document of each row
 * @throws UsageError for a principal direction that there is not
 */
export const estimateVector = (
  delta: Matrix,
  sources: ArrayLike<string>,
  { estimator, component }: VectorEstimate,
): Float64Array => {
  if (estimator === 'per-source') return steeringVector(delta, sourceWeights(sources));
  const mean = steeringVector(delta);
  if (estimator === 'mean') return mean;
  if (estimator === 'principal') return along(principalDirection(delta, component), mean);
  return along(singularSpectrum(delta, { tail: 'zero' }).leading, mean);
};

/**
 * The vector of fold 0 and of fold 1, [d] each, as `crossFitVectors` does for the mean; throws as that and
 * `estimateVector` do.
 */
export const estimateVectors = (
  delta: Matrix,
  folds: Folds,
  sources: ArrayLike<string>,
  estimate: VectorEstimate,
): [Float64Array, Float64Array] => {
  const means = crossFitVectors(delta, folds);
  if (estimate.estimator === 'mean') return means;
  const vectorOf = (fold: 0 | 1): Float64Array => {
    const rows = Array.from(folds).flatMap((own, i) => (own === fold ? [i] : []));
    const part = matrix(rows.length, delta.columns);
    rows.forEach((row, i) => {
      rowOf(part, i).set(rowOf(delta, row));
    });
    return estimateVector(
      part,
      rows.map((row) => sources[row] ?? ''),
      estimate,
    );
  };
  return [vectorOf(0), vectorOf(1)];
};
