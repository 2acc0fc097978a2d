/** A claim's outcome in one sentence, for annotations, alerts and messages. */

import type { ClaimReport } from '../claims/index.js';
import { formatEstimate, formatThreshold } from './format.js';
import { groupTitle } from './groups.js';
import { describeOutcome } from './outcome-words.js';

/** `many-frames: 0.73 [0.65, 0.80] against ≥ 0.90 (n 126), BREAKS, expected to hold`, or what went wrong. */
export const claimSentence = (claim: ClaimReport): string => {
  const { estimate, interval, threshold, n, expected, error } = claim;
  if (error !== undefined) return `${groupTitle(claim)}: ${error}`;
  const numbers = `${formatEstimate(estimate, interval, threshold)} against ${formatThreshold(threshold)} (n ${n})`;
  return `${groupTitle(claim)}: ${numbers}, ${describeOutcome(claim)}, expected to ${expected === 'holds' ? 'hold' : 'break'}`;
};
