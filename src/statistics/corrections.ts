/** Corrections for testing many hypotheses: adjusted p values, in the order given. */

import { UsageError } from '../base/index.js';

const checkProbabilities = (pValues: ArrayLike<number>): number[] => {
  const values = Array.from(pValues);
  const bad = values.findIndex((p) => !(p >= 0 && p <= 1));
  if (bad >= 0) throw new UsageError(`p value ${bad} is ${values[bad]}; p values lie between 0 and 1`);
  return values;
};

/** Indices of the values, the smallest value first. */
const ascendingOrder = (values: readonly number[]): number[] =>
  values.map((_, index) => index).sort((i, j) => (values[i] as number) - (values[j] as number));

/**
 * Holm's (1979) step-down correction: holds the chance of any false rejection. For headline claims.
 *
 * @throws {UsageError} if a p value is not in [0, 1]
 */
export const holm = (pValues: ArrayLike<number>): number[] => {
  const values = checkProbabilities(pValues);
  const adjusted = new Array<number>(values.length).fill(0);
  let greatest = 0;
  ascendingOrder(values).forEach((index, rank) => {
    greatest = Math.max(greatest, Math.min(1, (values.length - rank) * (values[index] as number)));
    adjusted[index] = greatest;
  });
  return adjusted;
};

/**
 * Benjamini and Hochberg's (1995) correction: holds the expected share of false rejections. For screens over layers.
 *
 * @throws {UsageError} if a p value is not in [0, 1]
 */
export const benjaminiHochberg = (pValues: ArrayLike<number>): number[] => {
  const values = checkProbabilities(pValues);
  const adjusted = new Array<number>(values.length).fill(0);
  let least = 1;
  ascendingOrder(values)
    .reverse()
    .forEach((index, fromEnd) => {
      const rank = values.length - fromEnd;
      least = Math.min(least, (values.length / rank) * (values[index] as number));
      adjusted[index] = least;
    });
  return adjusted;
};
