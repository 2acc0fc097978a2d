/** How numbers, thresholds and foreign text read in every report for people. */

import type { Interval, Threshold } from '../claims/index.js';

/** The bound itself, whichever side of it holds. */
export const limitOf = (threshold: Threshold): number =>
  'atLeast' in threshold ? threshold.atLeast : threshold.atMost;

/** `1.2e+4` → `1.2e4`: the plus sign says nothing. */
const exponential = (value: number, digits: number): string => value.toExponential(digits).replace('e+', 'e');

/**
 * A number for a table: `decimals` places, fewer from 10 upwards, powers of ten for the very small and the very large,
 * `–` for what is not a number.
 */
export const formatNumber = (value: number | null, decimals = 3): string => {
  if (value === null || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 10 ** -(decimals + 1)) return exponential(value, 1);
  if (size < 10 ** -decimals) return value.toFixed(decimals + 1);
  if (size >= 1e6) return exponential(value, 2);
  if (size >= 1000) return value.toFixed(0);
  return size >= 10 ? value.toFixed(Math.max(0, decimals - 2)) : value.toFixed(decimals);
};

/**
 * A number that is read against a limit: as many decimals as it takes (six at most) for the rounded number to lie on the same
 * side of the limit as the number itself. 0.8997 against 0.9 reads `0.8997`, never `0.900`.
 */
export const formatAgainst = (value: number | null, limit: number): string => {
  if (value === null || !Number.isFinite(value)) return formatNumber(value);
  const side = Math.sign(value - limit);
  for (let decimals = 3; decimals < 6; decimals++) {
    const text = formatNumber(value, decimals);
    if (Math.sign(Number(text) - limit) === side) return text;
  }
  return formatNumber(value, 6);
};

export const formatInterval = (interval: Interval | null, limit: number): string =>
  interval === null ? '' : `[${formatAgainst(interval[0], limit)}, ${formatAgainst(interval[1], limit)}]`;

/** `0.94 [0.93, 0.95]`, each number with the decimals that its side of the threshold needs. */
export const formatEstimate = (
  estimate: number | null,
  interval: Interval | null,
  threshold: Threshold,
): string => {
  const limit = limitOf(threshold);
  return `${formatAgainst(estimate, limit)} ${formatInterval(interval, limit)}`.trimEnd();
};

/** `0.94 [0.93, 0.95]` where there is no limit to read it against. */
export const formatQuantity = (estimate: number | null, interval: Interval | null): string =>
  interval === null
    ? formatNumber(estimate)
    : `${formatNumber(estimate)} [${formatNumber(interval[0])}, ${formatNumber(interval[1])}]`;

/** A factor such as λ, three digits at most: `1`, `-0.5`, `5.66`. */
export const formatFactor = (value: number): string => String(Number(value.toPrecision(3)));

/** A confidence level: `95 %`. */
export const formatLevel = (level: number): string => `${Math.round(level * 1000) / 10} %`;

/** A number of parameters: `0.76 M`. */
export const formatParameters = (count: number): string => `${(count / 1e6).toFixed(2)} M`;

/** A difference with its sign: `+0.008 [0.007, 0.009]`. */
export const formatDifference = (difference: number | null, interval: Interval | null): string => {
  const sign = difference !== null && difference > 0 ? '+' : '';
  return `${sign}${formatAgainst(difference, 0)} ${formatInterval(interval, 0)}`.trimEnd();
};

/** `≥ 0.90`: never fewer than two decimals, never rounded. */
export const formatThreshold = (threshold: Threshold): string => {
  const limit = limitOf(threshold);
  const plain = String(limit);
  const text = /e/.test(plain) || (plain.split('.')[1]?.length ?? 0) >= 2 ? plain : limit.toFixed(2);
  return `${'atLeast' in threshold ? '≥' : '≤'} ${text}`;
};

/** Seconds for people: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 10 min`. */
export const formatSeconds = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
};

export { visible as printable } from '../base/index.js';
