/** Confidence intervals. */

import { UsageError } from '../base/index.js';

/** [lower, upper]. */
export type Interval = readonly [number, number];

/** @throws {UsageError} unless 0 < level < 1 */
export const checkLevel = (level: number): void => {
  if (!(level > 0 && level < 1)) {
    throw new UsageError(`a confidence level lies between 0 and 1, not at ${level}`, {
      hint: 'for 95 % write 0.95',
    });
  }
};
