/** Wilson's interval for a rate. */

import { UsageError } from '../base/index.js';
import type { Interval } from './interval.js';
import { checkLevel } from './interval.js';
import { normalQuantile, normalTail } from './normal.js';

/**
 * Wilson's (1927) score interval for successes / trials, without continuity correction; [0, 1] of no trial.
 *
 * @throws {UsageError} unless 0 ≤ successes ≤ trials and 0 < level < 1
 */
export const wilsonInterval = (successes: number, trials: number, level = 0.95): Interval => {
  if (!(successes >= 0 && successes <= trials && Number.isFinite(trials))) {
    throw new UsageError(`${successes} successes of ${trials} trials make no rate`);
  }
  checkLevel(level);
  if (trials === 0) return [0, 1];
  const z = normalQuantile((1 + level) / 2);
  const rate = successes / trials;
  const shrink = 1 + (z * z) / trials;
  const centre = (rate + (z * z) / (2 * trials)) / shrink;
  const half = (z / shrink) * Math.sqrt((rate * (1 - rate)) / trials + (z * z) / (4 * trials * trials));
  // Exactly 0 and 1 at the ends, where rounding would leave a crumb.
  return [
    successes === 0 ? 0 : Math.max(0, centre - half),
    successes === trials ? 1 : Math.min(1, centre + half),
  ];
};

export interface ScorePValueOptions {
  /** The rate under the null hypothesis. */
  readonly threshold: number;
  /** `above`: small p says that the rate lies above the threshold. */
  readonly direction: 'above' | 'below';
}

/**
 * One-sided p of the score test of a rate: the test whose acceptance region is Wilson's interval. A threshold at 0 or 1
 * leaves nothing to chance: p is 1 where the rate equals it, 0 otherwise.
 *
 * @throws {UsageError} unless 0 ≤ successes ≤ trials, with a trial
 */
export const scorePValue = (
  successes: number,
  trials: number,
  { threshold, direction }: ScorePValueOptions,
): number => {
  if (!(successes >= 0 && successes <= trials && trials > 0 && Number.isFinite(trials))) {
    throw new UsageError(`${successes} successes of ${trials} trials make no rate`);
  }
  const distance = (successes / trials - threshold) * (direction === 'above' ? 1 : -1);
  const deviation = Math.sqrt((threshold * (1 - threshold)) / trials);
  if (!(deviation > 0)) return distance > 0 ? 0 : 1;
  return normalTail(distance / deviation);
};
