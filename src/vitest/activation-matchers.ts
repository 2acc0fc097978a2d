/** Matchers for activations: what an interval over rows says, never an estimate alone. */
import { createRandom, UsageError } from '../base/index.js';
import {
  assignFolds,
  cosinesToVector,
  cosinesToVectors,
  createRatioSampler,
  crossFitVectors,
  displacements,
  normMatchedRandomDirections,
} from '../geometry/index.js';
import { assertFinite, type Matrix, matrixFromRows } from '../linalg/index.js';
import { formatNumber, formatQuantity } from '../reports/index.js';
import {
  type BootstrapResult,
  bootstrap,
  quantile,
  type WeightedStatistic,
  weightedMean,
} from '../statistics/index.js';

type Rows = readonly ArrayLike<number>[];

/** Displacements [n, d], a row a prompt; or hidden states [n, d] of base and policy at the same places. */
export type Activations = Rows | { readonly base: Rows; readonly policy: Rows };

export interface MatcherOptions {
  /** Source of each row: rows of one source are not independent of each other. Default: each row its own. */
  readonly sources?: readonly (string | number)[];
  /** Of the interval. Default 0.95. */
  readonly level?: number;
  /** Resamples. Default 2000. */
  readonly draws?: number;
  /** Default 1. */
  readonly seed?: number;
}

/**
 * The matchers hold where the whole interval lies on their side, and their `.not` where it lies on the other: where the rows
 * do not decide, both fail.
 */
export interface ActivationMatchers<R = unknown> {
  /**
   * The mean cosine of displacements to `direction` is above `atLeast` (default 0) and above chance: what 97.5 % of random
   * directions reach on the same rows.
   */
  toSteerAlong(direction: ArrayLike<number>, options?: MatcherOptions & { readonly atLeast?: number }): R;
  /** As `toSteerAlong`, to the mean displacement of the other half of the sources: each row is judged by rows unlike it. */
  toSteerTogether(options?: MatcherOptions & { readonly atLeast?: number }): R;
  /** σ2/σ1 of the uncentred displacements is at most `atMost` (default 0.5). */
  toBeRankOne(options?: MatcherOptions & { readonly atMost?: number }): R;
}

const isPair = (given: object): given is { base: Rows; policy: Rows } => 'base' in given && 'policy' in given;

const flat = (rows: Rows): Float64Array => matrixFromRows(rows).data;

/** @throws UsageError for anything else than activations; InputError for a number that is not finite */
const deltaOf = (received: unknown): Matrix => {
  const refuse = (): never => {
    throw new UsageError('activations are rows of numbers, or { base, policy } with as many rows of each', {
      hint: 'give displacements as number[][] or Float32Array[]',
    });
  };
  if (typeof received !== 'object' || received === null) return refuse();
  if (!isPair(received)) {
    if (!Array.isArray(received) || received.length === 0) return refuse();
    const delta = matrixFromRows(received as unknown as Rows);
    assertFinite(delta, 'displacement');
    return delta;
  }
  const { base, policy } = received;
  if (base.length !== policy.length || base.length === 0) return refuse();
  return displacements(flat(base), flat(policy), base.length, base[0]?.length ?? 0);
};

const CHANCE_DIRECTIONS = 1000;
const CHANCE_QUANTILE = 0.975;

/** A row that did not move steers along nothing. */
const meanCosine = (cosines: Float64Array, weights?: ArrayLike<number>): number =>
  weightedMean(
    cosines.map((value) => (Number.isNaN(value) ? 0 : value)),
    weights,
  );

/** What the mean cosine to a direction comes to that has nothing to do with the rows. */
const chanceOf = (delta: Matrix, seed: number): number =>
  quantile(
    normMatchedRandomDirections(CHANCE_DIRECTIONS, 1, delta.columns, createRandom(seed).fork('chance')).map(
      (direction) => meanCosine(cosinesToVector(delta, direction)),
    ),
    CHANCE_QUANTILE,
  );

interface Judged {
  readonly pass: boolean;
  readonly message: () => string;
}

const judged = (
  { isNot = false }: { readonly isNot?: boolean },
  what: string,
  { estimate, interval }: BootstrapResult,
  rows: number,
  { bound, boundText, isAbove }: { bound: number; boundText: string; isAbove: boolean },
): Judged => {
  const [lower, upper] = isAbove ? interval : [-interval[1], -interval[0]];
  const limit = isAbove ? bound : -bound;
  const pass = isNot ? !(upper < limit) : lower > limit || (!isAbove && lower === limit);
  return {
    pass,
    message: () =>
      `expected ${what}${isNot ? ' not' : ''} to be ${isAbove ? 'above' : 'at most'} ${boundText}, with all of its interval: ${formatQuantity(estimate, interval)} (n ${rows})`,
  };
};

const bootstrapOf = (
  delta: Matrix,
  { sources, level = 0.95, draws = 2000, seed = 1 }: MatcherOptions,
  statistic: WeightedStatistic,
): BootstrapResult => {
  if (sources !== undefined && sources.length !== delta.rows) {
    throw new UsageError(`${delta.rows} rows need as many sources, not ${sources.length}`);
  }
  return bootstrap({
    clusters: sources ?? Array.from({ length: delta.rows }, (_, row) => row),
    statistic,
    level,
    draws,
    seed,
  });
};

const aboveChance = (delta: Matrix, { atLeast = 0, seed = 1 }: MatcherOptions & { atLeast?: number }) => {
  const chance = chanceOf(delta, seed);
  const bound = Math.max(atLeast, chance);
  const boundText = chance > atLeast ? `chance, ${formatNumber(chance)}` : formatNumber(atLeast);
  return { bound, boundText, isAbove: true };
};

/** For `expect.extend`; importing `dsteer/vitest` has done so. */
export const activationMatchers = {
  toSteerAlong(
    this: { readonly isNot?: boolean },
    received: unknown,
    direction: ArrayLike<number>,
    options: MatcherOptions & { readonly atLeast?: number } = {},
  ): Judged {
    const delta = deltaOf(received);
    const cosines = cosinesToVector(delta, direction);
    const result = bootstrapOf(delta, options, (weights) => meanCosine(cosines, weights));
    return judged(this, 'the mean cosine to the direction', result, delta.rows, aboveChance(delta, options));
  },

  toSteerTogether(
    this: { readonly isNot?: boolean },
    received: unknown,
    options: MatcherOptions & { readonly atLeast?: number } = {},
  ): Judged {
    const delta = deltaOf(received);
    const folds = assignFolds(options.sources ?? Array.from({ length: delta.rows }, (_, row) => row));
    const result = bootstrapOf(delta, options, (weights) => {
      const halves = [0, 1].every((fold) => weights.some((weight, row) => weight > 0 && folds[row] === fold));
      if (!halves) return Number.NaN;
      const vectors = crossFitVectors(delta, folds, weights);
      const cosines = cosinesToVectors(delta, (row) => vectors[folds[row] === 0 ? 1 : 0]);
      return meanCosine(cosines, weights);
    });
    return judged(
      this,
      'the mean cosine to the displacement of the other half',
      result,
      delta.rows,
      aboveChance(delta, options),
    );
  },

  toBeRankOne(
    this: { readonly isNot?: boolean },
    received: unknown,
    options: MatcherOptions & { readonly atMost?: number } = {},
  ): Judged {
    const delta = deltaOf(received);
    const { atMost = 0.5 } = options;
    const result = bootstrapOf(delta, options, createRatioSampler(delta));
    const bound = { bound: atMost, boundText: formatNumber(atMost), isAbove: false };
    return judged(this, 'σ2/σ1', result, delta.rows, bound);
  },
};
