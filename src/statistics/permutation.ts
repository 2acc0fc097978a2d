/** How surprising an observed value is among values that a null hypothesis made. */

import { createRandom, UsageError } from '../base/index.js';

/** `greater`: large values speak against the null; `less`: small ones; `two-sided`: twice the smaller of the two. */
export type Alternative = 'greater' | 'less' | 'two-sided';

/**
 * Rank p: (1 + how many null values reach the observed one) / (1 + how many there are). Never 0, and valid at any number
 * of null values (Phipson and Smyth 2010); 20 of them can give no less than 1/21.
 *
 * @throws {UsageError} if there is no null value, or a NaN among the numbers
 */
export const rankPValue = (
  observed: number,
  nullValues: ArrayLike<number>,
  alternative: Alternative = 'greater',
): number => {
  if (nullValues.length === 0) throw new UsageError('a rank p needs at least one value under the null');
  let above = 0;
  let below = 0;
  for (let i = 0; i < nullValues.length; i++) {
    const value = nullValues[i] as number;
    if (Number.isNaN(value) || Number.isNaN(observed))
      throw new UsageError('a rank p cannot compare with NaN');
    if (value >= observed) above++;
    if (value <= observed) below++;
  }
  const share = (count: number): number => (1 + count) / (1 + nullValues.length);
  if (alternative === 'greater') return share(above);
  if (alternative === 'less') return share(below);
  return Math.min(1, 2 * share(Math.min(above, below)));
};

export interface PermutationOptions {
  /** How many things are permuted. */
  readonly size: number;
  /** The statistic when thing `order[i]` stands in place i; the identity gives the observed value. */
  readonly statistic: (order: readonly number[]) => number;
  /** Permutations drawn. Default 2000. */
  readonly permutations?: number;
  readonly alternative?: Alternative;
  readonly seed: number | string;
}

export interface PermutationResult {
  readonly observed: number;
  readonly pValue: number;
  readonly nullValues: Float64Array;
}

/** A permutation test: the rank p of the observed order among random ones. */
export const permutationTest = ({
  size,
  statistic,
  permutations = 2000,
  alternative = 'greater',
  seed,
}: PermutationOptions): PermutationResult => {
  const identity = Array.from({ length: size }, (_, i) => i);
  const random = createRandom(seed).fork('permutation');
  const observed = statistic(identity);
  const nullValues = Float64Array.from({ length: permutations }, () => statistic(random.shuffle(identity)));
  return { observed, pValue: rankPValue(observed, nullValues, alternative), nullValues };
};
