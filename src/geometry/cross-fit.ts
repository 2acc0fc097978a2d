/** Cross-fitting: every prompt is judged by a steering vector that it had no part in. */

import { createRandom, InputError, UsageError } from '../base/index.js';
import type { Matrix } from '../linalg/index.js';
import { cosinesToVectors } from './cosines.js';
import { steeringVector } from './displacements.js';

/** Fold 0 or 1 of each row. */
export type Folds = ArrayLike<number>;

/**
 * The fold of each prompt, by a hash of its source's id: prompts of one source stay together, and a prompt's fold does
 * not depend on which other prompts there are.
 */
export const assignFolds = (sources: ArrayLike<string | number>): Uint8Array =>
  Uint8Array.from(Array.from(sources), (source) => createRandom(`fold of ${source}`).integer(2));

/**
 * v* of fold 0 and of fold 1, [d] each; the one of fold 0 judges fold 1 and the other way round.
 *
 * @throws {UsageError} if there are not as many folds as rows
 * @throws {InputError} if a fold has no row
 */
export const crossFitVectors = (
  delta: Matrix,
  folds: Folds,
  weights?: ArrayLike<number>,
): [Float64Array, Float64Array] => {
  if (folds.length !== delta.rows) {
    throw new UsageError(`${delta.rows} displacements need as many folds, not ${folds.length}`);
  }
  const vectorOf = (fold: 0 | 1): Float64Array => {
    const inFold = Float64Array.from(folds, (own, i) => (own === fold ? (weights?.[i] ?? 1) : 0));
    if (!inFold.some((weight) => weight > 0)) {
      throw new InputError(
        `no prompt falls into fold ${fold}, so the other fold has no vector to be judged by`,
        {
          hint: 'give more prompts, from more source documents',
        },
      );
    }
    return steeringVector(delta, inFold);
  };
  return [vectorOf(0), vectorOf(1)];
};

export interface CrossFit {
  /** v* estimated on fold 0 and on fold 1. */
  readonly byFold: readonly [Float64Array, Float64Array];
  /** The vector that judges a row: estimated on the fold which the row is not in. */
  readonly judging: (row: number) => Float64Array;
  /** cos(Δh_i, judging(i)) [n]. */
  readonly cosines: Float64Array;
}

/** Each row's cosine to the steering vector of the other fold; throws as `crossFitVectors` does. */
export const crossFit = (delta: Matrix, folds: Folds): CrossFit => {
  const byFold = crossFitVectors(delta, folds);
  const judging = (row: number): Float64Array => byFold[folds[row] === 0 ? 1 : 0];
  return { byFold, judging, cosines: cosinesToVectors(delta, judging) };
};
