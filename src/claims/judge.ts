/** From the resamples of a quantity to its interval and verdict, and from its controls' to the differences. */
import { ComputationError } from '../base/index.js';
import {
  bootstrapPValue,
  intervalOfDraws,
  scorePValue,
  seedSpread,
  type TrendPoint,
  trendSlope,
  wilsonInterval,
} from '../statistics/index.js';
import type { TaskResult } from './jobs/job.js';
import { type ControlId, controlCatalogue } from './metrics/catalogue.js';
import type { ControlReport, Counterexample, Expected, Interval, Judgement, Threshold } from './report.js';
import { beats, outcomeOf, verdictOf } from './verdict.js';

/** How a claim is judged, the same for its controls. */
export interface JudgementRule {
  readonly metric: string;
  readonly threshold: Threshold;
  readonly level: number;
}

/** A quantity on all prompts and in each resample of them, averaged over training seeds. */
export interface Resampled {
  readonly state: 'measured';
  readonly seeds: readonly number[];
  readonly n: number;
  readonly estimate: number;
  readonly draws: Float64Array;
  readonly resampling: string;
  readonly seedEstimates: readonly number[];
  readonly details: Readonly<Record<string, number>>;
  /** For a rate that a bootstrap over prompts cannot judge, or need not: what it counts. */
  readonly counts?: { readonly successes: number; readonly trials: number };
  readonly counterexample?: Counterexample;
}

export type Quantity =
  | Resampled
  | { readonly state: 'failed'; readonly seeds: readonly number[]; readonly message: string };

/** A resample may leave a quantity undefined this often before the interval is refused. */
const mostUndefined = 0.05;

const averageOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const averageDraws = (all: readonly Float64Array[]): Float64Array =>
  Float64Array.from(all[0] ?? [], (_, draw) => averageOf(all.map((draws) => draws[draw] ?? Number.NaN)));

const doNotVary = (draws: Float64Array): boolean => draws.every((value) => value === draws[0]);

/**
 * What a rate counts, for Wilson's interval: of independent prompts under one seed; under several only where no resample
 * differs from another (a rate of 0 or 1 in all of them), with the average of what each seed counts. Seeds judge the same
 * prompts, so that their counts do not add up.
 */
const countsOf = (
  measured: readonly Extract<TaskResult, { state: 'measured' }>[],
  draws: Float64Array,
): { readonly counts?: NonNullable<Resampled['counts']> } => {
  const counts = measured.flatMap((result) => (result.counts && result.independent ? [result.counts] : []));
  if (counts.length < measured.length || (measured.length > 1 && !doNotVary(draws))) return {};
  return {
    counts: {
      successes: averageOf(counts.map(({ successes }) => successes)),
      trials: averageOf(counts.map(({ trials }) => trials)),
    },
  };
};

/** The average over seeds of what each of them measured. */
export const overSeeds = (seeds: readonly number[], results: readonly TaskResult[]): Quantity => {
  const failed = results.find((result) => result.state === 'failed');
  if (failed?.state === 'failed') return { state: 'failed', seeds, message: failed.message };
  const measured = results.flatMap((result) => (result.state === 'measured' ? [result] : []));
  const [first] = measured;
  if (first === undefined) return { state: 'failed', seeds, message: 'nothing was measured' };
  const seedEstimates = measured.map(({ estimate }) => estimate);
  const counterexample = measured.find((result) => result.counterexample)?.counterexample;
  const draws = averageDraws(measured.map((result) => result.draws));
  return {
    state: 'measured',
    seeds,
    n: first.n,
    estimate: averageOf(seedEstimates),
    draws,
    resampling: first.resampling,
    seedEstimates,
    details: Object.fromEntries(
      Object.keys(first.details).map((key) => [
        key,
        averageOf(measured.map(({ details }) => details[key] ?? Number.NaN)),
      ]),
    ),
    ...countsOf(measured, draws),
    ...(counterexample === undefined ? {} : { counterexample }),
  };
};

/**
 * Draws that go with `a`'s, one for one. Over other prompts they are turned by half, so that the common stream of random
 * numbers pairs nothing.
 */
const drawsBeside = (a: Resampled, b: Resampled): Float64Array => {
  if (a.resampling === b.resampling) return b.draws;
  const half = Math.floor(b.draws.length / 2);
  return b.draws.map((_, draw) => b.draws[(draw + half) % b.draws.length] ?? Number.NaN);
};

/** a − b, draw by draw; paired where both are over the same prompts. */
export const differenceOf = (a: Quantity, b: Quantity): Quantity & { readonly paired?: boolean } => {
  if (a.state === 'failed') return a;
  if (b.state === 'failed') return b;
  const others = drawsBeside(a, b);
  const paired = a.resampling === b.resampling;
  return {
    state: 'measured',
    seeds: a.seeds,
    n: Math.min(a.n, b.n),
    estimate: a.estimate - b.estimate,
    draws: a.draws.map((value, draw) => value - (others[draw] ?? Number.NaN)),
    resampling: paired ? a.resampling : `${a.resampling} against ${b.resampling}`,
    seedEstimates: a.seedEstimates.map((value, seed) => value - (b.seedEstimates[seed] ?? Number.NaN)),
    details: { estimate: a.estimate, against: b.estimate },
    paired,
  };
};

/** Slope of a quantity over log10 of the models' parameters, draw by draw. */
export const trendOf = (
  points: readonly { readonly parameters: number | null; readonly quantity: Quantity }[],
): Quantity => {
  const measured: TrendPoint[] = [];
  let first: Resampled | undefined;
  for (const { parameters, quantity } of points) {
    if (quantity.state === 'failed') return quantity;
    first ??= quantity;
    measured.push({
      x: Math.log10(parameters ?? Number.NaN),
      estimate: quantity.estimate,
      draws: drawsBeside(first, quantity),
    });
  }
  if (first === undefined) return { state: 'failed', seeds: [], message: 'a trend needs experiments' };
  const slope = trendSlope(measured);
  const bySeed = first.seedEstimates.map((_, seed) =>
    trendSlope(
      points.map(({ parameters, quantity }) => ({
        x: Math.log10(parameters ?? Number.NaN),
        estimate: quantity.state === 'measured' ? (quantity.seedEstimates[seed] ?? Number.NaN) : Number.NaN,
        draws: new Float64Array(),
      })),
    ),
  );
  return {
    state: 'measured',
    seeds: first.seeds,
    n: first.n,
    estimate: slope.estimate,
    draws: slope.draws,
    resampling: first.resampling,
    seedEstimates: bySeed.map(({ estimate }) => estimate),
    details: Object.fromEntries(measured.map(({ estimate, x }) => [`at ${Math.round(10 ** x)}`, estimate])),
  };
};

/** @throws ComputationError where the quantity is undefined in too many resamples */
export const intervalOf = (quantity: Resampled, level: number): Interval => {
  if (quantity.counts) return wilsonInterval(quantity.counts.successes, quantity.counts.trials, level);
  const dropped = quantity.draws.filter(Number.isNaN).length;
  if (dropped > mostUndefined * quantity.draws.length || Number.isNaN(quantity.estimate)) {
    throw new ComputationError(
      `the quantity is undefined in ${dropped} of ${quantity.draws.length} resamples: too few prompts bear on it`,
    );
  }
  return intervalOfDraws(quantity.draws, level);
};

const failure = (
  rule: JudgementRule,
  expected: Expected,
  seeds: readonly number[],
  error: string,
): Judgement => ({
  expected,
  verdict: 'error',
  outcome: 'error',
  ...rule,
  estimate: null,
  interval: null,
  n: 0,
  seeds,
  seedEstimates: [],
  seedSd: null,
  details: {},
  error,
});

const judgeOne = (rule: JudgementRule, expected: Expected, quantity: Quantity): Judgement => {
  if (quantity.state === 'failed') return failure(rule, expected, quantity.seeds, quantity.message);
  let interval: Interval;
  try {
    interval = intervalOf(quantity, rule.level);
  } catch (error) {
    if (!(error instanceof ComputationError)) throw error;
    return failure(rule, expected, quantity.seeds, error.message);
  }
  const { seeds, seedEstimates, estimate, n, details, counterexample } = quantity;
  const verdict = verdictOf(interval, rule.threshold);
  return {
    expected,
    verdict,
    outcome: outcomeOf(verdict, expected),
    ...rule,
    estimate,
    interval,
    n,
    seeds,
    seedEstimates,
    seedSd: seedEstimates.length > 1 ? seedSpread(seedEstimates).sd : null,
    details,
    ...(counterexample === undefined ? {} : { counterexample }),
  };
};

/** One-sided p of the verdict that the estimate leans to. */
const pValueOf = (quantity: Quantity, { threshold }: JudgementRule): number | null => {
  if (quantity.state === 'failed') return null;
  const bound = 'atLeast' in threshold ? threshold.atLeast : threshold.atMost;
  const direction = quantity.estimate >= bound ? 'above' : 'below';
  if (quantity.counts) {
    const { successes, trials } = quantity.counts;
    return scorePValue(successes, trials, { threshold: bound, direction });
  }
  return bootstrapPValue(quantity.draws, { estimate: quantity.estimate, threshold: bound, direction });
};

export interface JudgedControl {
  readonly id: ControlId;
  readonly expected: Expected;
  readonly quantity: Quantity;
}

/** A claim's judgement with those of its controls. */
export const judge = (
  rule: JudgementRule,
  expected: Expected,
  claim: Quantity,
  controls: readonly JudgedControl[],
): { readonly own: Judgement; readonly pValue: number | null; readonly controls: ControlReport[] } => {
  const own = judgeOne(rule, expected, claim);
  return {
    own,
    pValue: own.verdict === 'error' ? null : pValueOf(claim, rule),
    controls: controls.map((control): ControlReport => {
      const judgement = judgeOne(rule, control.expected, control.quantity);
      const difference = differenceOf(claim, control.quantity);
      const interval =
        difference.state === 'measured' && judgement.verdict !== 'error' && own.verdict !== 'error'
          ? intervalOfDraws(difference.draws, rule.level)
          : null;
      const { title, role } = controlCatalogue[control.id];
      return {
        id: control.id,
        title,
        role,
        ...judgement,
        difference: interval === null || difference.state === 'failed' ? null : difference.estimate,
        differenceInterval: interval,
        beaten: interval !== null && beats(interval, rule.threshold),
      };
    }),
  };
};
