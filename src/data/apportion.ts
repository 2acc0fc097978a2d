import { UsageError } from '../base/index.js';

/**
 * Whole numbers in the proportion of `weights` that add up to `total`, by largest remainders: each is its quota
 * total · w_k / Σw rounded down or up. Of equal remainders the earlier is rounded up.
 *
 * @throws UsageError when a weight is not a positive number, or there is none
 */
export const apportion = (total: number, weights: readonly number[]): number[] => {
  if (weights.length === 0 || !weights.every((weight) => weight > 0 && Number.isFinite(weight))) {
    throw new UsageError(`weights must be positive numbers, not [${weights.join(', ')}]`);
  }
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const quotas = weights.map((weight) => (total * weight) / sum);
  const counts = quotas.map(Math.floor);
  const left = total - counts.reduce((all, count) => all + count, 0);
  const byRemainder = quotas
    // To nine digits, so that rounding errors do not part equal remainders.
    .map((quota, index) => ({ index, remainder: Math.round((quota - Math.floor(quota)) * 1e9) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, left)) counts[index] = (counts[index] ?? 0) + 1;
  return counts;
};
