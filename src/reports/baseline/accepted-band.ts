/** How far an estimate may move before somebody has to look. */

import type { Interval } from '../../claims/index.js';

/** Digits of a band's ends: enough to say what was measured, few enough to be read and edited. */
const DIGITS = 4;

/** The nearest number of `DIGITS` significant digits that is not within: below (−1) or above (1) `value`, or `value` itself. */
const outward = (value: number, side: -1 | 1): number => {
  const rounded = Number(value.toPrecision(DIGITS));
  if ((rounded - value) * side >= 0) return rounded;
  const exponent = Number(value.toExponential().split('e')[1]);
  return Number((rounded + side * 10 ** (exponent - DIGITS + 1)).toPrecision(DIGITS));
};

/**
 * The band that a run proposes for a claim: its interval, its ends rounded outward to four significant digits, and widened
 * to the estimate where a percentile interval leaves that out (σ2/σ1 grows under resampling).
 *
 * It is an interval over prompts, at the claim's level. Beyond it, more has changed than which prompts were drawn. It knows
 * nothing of other training seeds, and a run on other prompts, which is as uncertain itself, leaves a 95 % interval by
 * chance in about one case of six: hold like against like, or widen the band by hand.
 */
export const acceptedBand = (estimate: number, [lower, upper]: Interval): Interval => [
  outward(Math.min(lower, estimate), -1),
  outward(Math.max(upper, estimate), 1),
];
