/** What a metric hands to the judge: a statistic of prompt weights, so that every interval comes from one bootstrap. */
import { ComputationError } from '../../base/index.js';
import { weightedMean, weightedRatio } from '../../statistics/index.js';
import type { Counterexample } from '../report.js';

export interface Measurement {
  /** Prompts or random cases judged. */
  readonly n: number;
  /** Source document of each weight: resampled together. */
  readonly clusters: readonly string[];
  /** The quantity under these prompt weights (all ones: the estimate). */
  readonly statistic: (weights: Float64Array) => number;
  /** For a rate: what it counts, for Wilson's interval. */
  readonly counts?: { readonly successes: number; readonly trials: number };
  readonly details: Readonly<Record<string, number>>;
  readonly counterexample?: Counterexample;
}

/** The weights that count each of `count` prompts once. */
export const ones = (count: number): Float64Array => new Float64Array(count).fill(1);

/** The mean of `values` as a statistic of prompt weights. */
export const meanStatistic =
  (values: ArrayLike<number>): Measurement['statistic'] =>
  (weights) =>
    weightedMean(values, weights);

/** A rate over prompts: `success` and `trial` are 0/1 indicators, one a prompt. */
export const rateMeasurement = (
  clusters: readonly string[],
  success: ArrayLike<number>,
  trial: ArrayLike<number>,
  details: Measurement['details'] = {},
): Measurement => {
  let successes = 0;
  let trials = 0;
  for (let i = 0; i < clusters.length; i++) {
    successes += (success[i] ?? 0) * (trial[i] ?? 0);
    trials += trial[i] ?? 0;
  }
  if (trials === 0) throw new ComputationError('no prompt to judge: the rate has no denominator');
  const hits = Float64Array.from(clusters, (_, i) => (success[i] ?? 0) * (trial[i] ?? 0));
  return {
    n: clusters.length,
    clusters,
    statistic: (weights) => weightedRatio(hits, trial, weights),
    counts: { successes, trials },
    details,
  };
};
