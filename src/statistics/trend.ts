/** A trend over conditions that have a size: the slope of a quantity, with its draws. */

import { UsageError } from '../base/index.js';

export interface TrendPoint {
  /** Size of the condition, such as log10 of the parameters. */
  readonly x: number;
  readonly estimate: number;
  /** The quantity in each resample; draw b of every point is taken together. */
  readonly draws: Float64Array;
}

/** Least-squares slope through (x_i, y_i). */
const slopeThrough = (x: readonly number[], y: readonly number[]): number => {
  const centre = x.reduce((sum, value) => sum + value, 0) / x.length;
  let covariance = 0;
  let variance = 0;
  x.forEach((value, i) => {
    covariance += (value - centre) * (y[i] as number);
    variance += (value - centre) ** 2;
  });
  return covariance / variance;
};

/**
 * Least-squares slope of the estimates over x, and of each draw.
 *
 * @throws {UsageError} if there are fewer than two different x
 */
export const trendSlope = (
  points: readonly TrendPoint[],
): { readonly estimate: number; readonly draws: Float64Array } => {
  const x = points.map((point) => point.x);
  if (new Set(x).size < 2 || x.some(Number.isNaN)) {
    throw new UsageError(`a slope needs points at two sizes or more, not at ${x.join(', ')}`);
  }
  const draws = Math.min(...points.map((point) => point.draws.length));
  return {
    estimate: slopeThrough(
      x,
      points.map(({ estimate }) => estimate),
    ),
    draws: Float64Array.from({ length: draws }, (_, draw) =>
      slopeThrough(
        x,
        points.map((point) => point.draws[draw] as number),
      ),
    ),
  };
};
