/**
 * The percentile bootstrap over prompts, clustered by source document: whole clusters are drawn, since sentences of one
 * document are not independent. A statistic is a function of weights, one a prompt: how often the draw holds it.
 */

import { ComputationError, createRandom, InputError, UsageError } from '../base/index.js';
import { checkLevel, type Interval } from './interval.js';
import { quantileOfSorted, standardDeviation } from './summary.js';

/** Value under these prompt weights [n]; NaN where the draw leaves it undefined (say, holds no flipped prompt). */
export type WeightedStatistic = (weights: Float64Array) => number;

export interface ResamplingOptions {
  /** Cluster of each prompt [n]: its source document. */
  readonly clusters: ArrayLike<string | number>;
  /** Resamples drawn. Default 2000, the least that a verdict may rest on. */
  readonly draws?: number;
  /** Confidence level of the interval. Default 0.95. */
  readonly level?: number;
  readonly seed: number | string;
}

export interface BootstrapOptions extends ResamplingOptions {
  readonly statistic: WeightedStatistic;
  /** Resamples drawn before, for the same clusters, draws and seed: many statistics then share the drawing. */
  readonly resamples?: Resamples;
}

/** Prompt weights of every draw, the same arrays for every statistic. */
export interface Resamples {
  readonly clusters: ArrayLike<string | number>;
  readonly weights: readonly Float64Array[];
  /** Which resamples these are: results with equal names can be paired draw by draw. */
  readonly name: string;
}

export interface BootstrapResult {
  /** The statistic with every prompt once. */
  readonly estimate: number;
  /** Percentile interval. */
  readonly interval: Interval;
  /** Standard deviation of the draws. */
  readonly standardError: number;
  /** The statistic of each draw, in the order of drawing; NaN where it was undefined (those are left out above). */
  readonly draws: Float64Array;
  /** How many draws were undefined. */
  readonly dropped: number;
  readonly level: number;
  /** Which resamples these are: results with equal names can be paired draw by draw. */
  readonly resampling: string;
}

/** A draw may be undefined this often before the interval is refused. */
const MOST_UNDEFINED = 0.05;

/** Prompts of each distinct cluster. */
const membersOf = (clusters: ArrayLike<string | number>): number[][] => {
  const members = new Map<string | number, number[]>();
  for (let i = 0; i < clusters.length; i++) {
    const cluster = clusters[i] as string | number;
    const known = members.get(cluster);
    if (known) known.push(i);
    else members.set(cluster, [i]);
  }
  return [...members.values()];
};

/** Names the grouping of prompts, so that resamples of different groupings are told apart. */
const fingerprint = (members: readonly number[][]): string => {
  let hash = 0x811c9dc5;
  members.forEach((prompts, cluster) => {
    for (const prompt of prompts) hash = Math.imul(hash ^ (prompt * 31 + cluster), 0x01000193);
  });
  return (hash >>> 0).toString(16);
};

/** Multiplicities of one resample of as many clusters as there are. */
const drawWeights = (
  members: readonly number[][],
  prompts: number,
  pick: (bound: number) => number,
): Float64Array => {
  const weights = new Float64Array(prompts);
  for (let c = 0; c < members.length; c++) {
    for (const prompt of members[pick(members.length)] as number[])
      weights[prompt] = (weights[prompt] as number) + 1;
  }
  return weights;
};

const summarise = (
  estimate: number,
  draws: Float64Array,
  level: number,
  resampling: string,
): BootstrapResult => {
  const sorted = draws.filter((value) => !Number.isNaN(value)).sort();
  const dropped = draws.length - sorted.length;
  if (dropped > MOST_UNDEFINED * draws.length) {
    throw new ComputationError(
      `the statistic is undefined in ${dropped} of ${draws.length} resamples: too few prompts bear on it`,
      { hint: 'judge more prompts, or a statistic that every prompt bears on' },
    );
  }
  return {
    estimate,
    interval: [quantileOfSorted(sorted, (1 - level) / 2), quantileOfSorted(sorted, (1 + level) / 2)],
    standardError: standardDeviation(sorted),
    draws,
    dropped,
    level,
    resampling,
  };
};

/**
 * Draws the prompt weights of a bootstrap.
 *
 * @throws {InputError} if there are fewer than two clusters
 */
export const drawResamples = ({
  clusters,
  draws = 2000,
  seed,
}: Omit<ResamplingOptions, 'level'>): Resamples => {
  if (!(Number.isInteger(draws) && draws > 0)) throw new UsageError(`cannot draw ${draws} resamples`);
  const members = membersOf(clusters);
  if (members.length < 2) {
    throw new InputError(`a bootstrap needs at least two source documents, not ${members.length}`);
  }
  const random = createRandom(seed).fork('bootstrap');
  return {
    clusters,
    weights: Array.from({ length: draws }, () => drawWeights(members, clusters.length, random.integer)),
    name: `seed ${seed}, ${draws} draws of ${members.length} clusters of ${clusters.length} prompts (${fingerprint(members)})`,
  };
};

/**
 * Estimate and percentile interval of a statistic. Equal clusters, draws and seed give the same resamples to every
 * statistic.
 *
 * @throws {InputError} if there are fewer than two clusters
 * @throws {ComputationError} if the statistic is undefined on all prompts, or in more than 5 % of the draws
 */
export const bootstrap = ({
  clusters,
  statistic,
  draws = 2000,
  level = 0.95,
  seed,
  resamples = drawResamples({ clusters, draws, seed }),
}: BootstrapOptions): BootstrapResult => {
  checkLevel(level);
  const estimate = statistic(new Float64Array(clusters.length).fill(1));
  if (Number.isNaN(estimate))
    throw new ComputationError('the statistic is undefined (NaN) on all prompts together');
  const values = Float64Array.from(resamples.weights, statistic);
  return summarise(estimate, values, level, resamples.name);
};

/**
 * a − b, draw by draw, of two bootstraps over the same resamples.
 *
 * @param level of the difference's interval; that of `a` if left out
 * @throws {UsageError} if they were not over the same resamples
 * @throws {ComputationError} if it is undefined in more than 5 % of the draws
 */
export const differenceOfBootstraps = (
  a: BootstrapResult,
  b: BootstrapResult,
  level: number = a.level,
): BootstrapResult => {
  checkLevel(level);
  if (a.resampling !== b.resampling) {
    throw new UsageError(`cannot pair ${a.resampling} with ${b.resampling}: the resamples differ`);
  }
  const draws = a.draws.map((value, draw) => value - (b.draws[draw] as number));
  return summarise(a.estimate - b.estimate, draws, level, a.resampling);
};

export interface PairedDifferenceOptions extends ResamplingOptions {
  readonly a: WeightedStatistic;
  readonly b: WeightedStatistic;
}

/** a − b with both statistics computed on the same resamples; throws as `bootstrap` does. */
export const pairedDifference = ({ a, b, ...options }: PairedDifferenceOptions): BootstrapResult =>
  bootstrap({ ...options, statistic: (weights) => a(weights) - b(weights) });
