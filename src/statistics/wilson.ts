/** Wilson's interval for a rate. */

import { UsageError } from '../base/index.js';
import type { Interval } from './interval.js';
import { checkLevel } from './interval.js';
import { normalQuantile } from './normal.js';

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
