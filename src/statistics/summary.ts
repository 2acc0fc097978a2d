/** Means, spreads and quantiles of plain samples. */

import { mean as sampleMean, sampleStandardDeviation } from 'simple-statistics';
import { UsageError } from '../base/index.js';

/** Mean; NaN of nothing. */
export const mean = (values: ArrayLike<number>): number =>
  values.length === 0 ? Number.NaN : sampleMean(Array.from(values));

/** Sample standard deviation (n − 1); NaN of fewer than two values. */
export const standardDeviation = (values: ArrayLike<number>): number =>
  values.length < 2 ? Number.NaN : sampleStandardDeviation(Array.from(values));

/** The quantile of values that are already in ascending order; see `quantile`. */
export const quantileOfSorted = (sorted: ArrayLike<number>, p: number): number => {
  if (!(p >= 0 && p <= 1)) throw new UsageError(`a quantile lies between 0 and 1, not at ${p}`);
  if (sorted.length === 0) return Number.NaN;
  const position = (sorted.length - 1) * p;
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return high === low ? low : low + (position - below) * (high - low);
};

/**
 * Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996: the default of R and
 * NumPy); NaN of nothing.
 *
 * @throws {UsageError} if p is not in [0, 1]
 */
export const quantile = (values: ArrayLike<number>, p: number): number =>
  quantileOfSorted(Float64Array.from(values).sort(), p);
