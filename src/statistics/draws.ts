/** Intervals and p values of a quantity from its draws under resampling. */

import { UsageError } from '../base/index.js';
import { checkLevel, type Interval } from './interval.js';
import { normalTail } from './normal.js';
import { quantileOfSorted, standardDeviation } from './summary.js';

const definedOf = (draws: Float64Array): Float64Array => draws.filter((value) => !Number.isNaN(value));

/** Percentile interval of draws; those that left the quantity undefined (NaN) are passed over. */
export const intervalOfDraws = (draws: Float64Array, level: number): Interval => {
  checkLevel(level);
  const sorted = definedOf(draws).sort();
  return [quantileOfSorted(sorted, (1 - level) / 2), quantileOfSorted(sorted, (1 + level) / 2)];
};

export interface BootstrapPValueOptions {
  /** The quantity on all prompts. */
  readonly estimate: number;
  /** The bound that the null hypothesis puts it at. */
  readonly threshold: number;
  /** `above`: small p says that the quantity lies above the bound. */
  readonly direction: 'above' | 'below';
}

/** With fewer draws beyond the bound than this, their count says little more than "rare". */
const fewestCounted = 10;

/**
 * One-sided p of a percentile bootstrap: the share of draws on the other side of the bound, (1 + k) / (1 + B). Where k is
 * below 10 that share is mostly the number of draws, which a correction for many claims would multiply into nonsense; the
 * tail of the normal distribution with the draws' standard deviation takes its place, never above the share at k = 10.
 *
 * @throws {UsageError} if no draw is defined
 */
export const bootstrapPValue = (
  draws: Float64Array,
  { estimate, threshold, direction }: BootstrapPValueOptions,
): number => {
  const defined = definedOf(draws);
  if (defined.length === 0) throw new UsageError('a bootstrap p needs at least one defined draw');
  const beyond = defined.filter((value) =>
    direction === 'above' ? value <= threshold : value >= threshold,
  ).length;
  const share = (count: number): number => Math.min(1, (1 + count) / (1 + defined.length));
  if (beyond >= fewestCounted) return share(beyond);
  const spread = standardDeviation(defined);
  const distance = direction === 'above' ? estimate - threshold : threshold - estimate;
  if (!(spread > 0)) return share(beyond);
  return Math.min(share(fewestCounted), normalTail(distance / spread));
};
