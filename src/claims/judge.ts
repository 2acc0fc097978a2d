/** Judges measurements: estimate, interval and verdict of a claim and of each of its controls, and their differences. */
import { ComputationError } from '../base/index.js';
import { bootstrap, differenceOfBootstraps, wilsonInterval } from '../statistics/index.js';
import { type ControlId, controlTitles } from './metrics/catalogue.js';
import type { Measurement } from './metrics/measurement.js';
import type { ControlReport, Expected, Interval, Judgement, Threshold } from './report.js';
import { beats, outcomeOf, verdictOf } from './verdict.js';

/** How a claim is judged, the same for its controls. */
export interface JudgementRule {
  readonly metric: string;
  readonly threshold: Threshold;
  readonly level: number;
  readonly draws: number;
}

/** A quantity measured under each training seed, or the reason why it could not be. */
export type Measured =
  | {
      readonly state: 'measured';
      readonly seeds: readonly number[];
      readonly measurements: readonly Measurement[];
    }
  | { readonly state: 'failed'; readonly seeds: readonly number[]; readonly message: string };

/** Seed of every bootstrap: all of them resample the same prompts, so differences are paired. */
const bootstrapSeed = 'bootstrap';

const averageDetails = (measurements: readonly Measurement[]): Record<string, number> => {
  const [first] = measurements;
  return Object.fromEntries(
    Object.keys(first?.details ?? {}).map((key) => [
      key,
      measurements.reduce((sum, { details }) => sum + (details[key] ?? Number.NaN), 0) / measurements.length,
    ]),
  );
};

interface Judged {
  readonly judgement: Judgement;
  /** Absent where the quantity could not be computed. */
  readonly resampled: ReturnType<typeof bootstrap> | undefined;
}

const failure = (
  rule: JudgementRule,
  expected: Expected,
  seeds: readonly number[],
  error: string,
): Judgement => ({
  expected,
  verdict: 'error',
  outcome: 'error',
  metric: rule.metric,
  threshold: rule.threshold,
  estimate: null,
  interval: null,
  level: rule.level,
  n: 0,
  seeds,
  seedEstimates: [],
  details: {},
  error,
});

/** As `judgeMeasured`; a quantity that cannot be computed becomes an error of its own row, not of the run. */
const judgeOne = (rule: JudgementRule, expected: Expected, measured: Measured): Judged => {
  try {
    return judgeMeasured(rule, expected, measured);
  } catch (error) {
    if (!(error instanceof ComputationError)) throw error;
    return { judgement: failure(rule, expected, measured.seeds, error.message), resampled: undefined };
  }
};

const judgeMeasured = (rule: JudgementRule, expected: Expected, measured: Measured): Judged => {
  if (measured.state === 'failed') {
    return { judgement: failure(rule, expected, measured.seeds, measured.message), resampled: undefined };
  }
  const { measurements, seeds } = measured;
  const [first] = measurements;
  if (first === undefined)
    return { judgement: failure(rule, expected, seeds, 'nothing was measured'), resampled: undefined };
  const { clusters, counts } = first;
  const average = (weights: Float64Array): number =>
    measurements.reduce((sum, { statistic }) => sum + statistic(weights), 0) / measurements.length;
  const resampled = bootstrap({
    clusters,
    statistic: average,
    draws: rule.draws,
    level: rule.level,
    seed: bootstrapSeed,
  });
  const independent =
    counts !== undefined && measurements.length === 1 && new Set(clusters).size === clusters.length;
  const interval: Interval = independent
    ? wilsonInterval(counts.successes, counts.trials, rule.level)
    : resampled.interval;
  const verdict = verdictOf(interval, rule.threshold);
  const all = new Float64Array(clusters.length).fill(1);
  return {
    resampled,
    judgement: {
      expected,
      verdict,
      outcome: outcomeOf(verdict, expected),
      metric: rule.metric,
      threshold: rule.threshold,
      estimate: resampled.estimate,
      interval,
      level: rule.level,
      n: first.n,
      seeds,
      seedEstimates: measurements.map(({ statistic }) => statistic(all)),
      details: averageDetails(measurements),
      ...(first.counterexample === undefined ? {} : { counterexample: first.counterexample }),
    },
  };
};

/** A claim's judgement with those of its controls. */
export const judge = (
  rule: JudgementRule,
  expected: Expected,
  claim: Measured,
  controls: readonly { readonly id: ControlId; readonly expected: Expected; readonly measured: Measured }[],
): { readonly own: Judgement; readonly controls: ControlReport[] } => {
  const own = judgeOne(rule, expected, claim);
  return {
    own: own.judgement,
    controls: controls.map((control): ControlReport => {
      const judged = judgeOne(rule, control.expected, control.measured);
      const paired =
        own.resampled && judged.resampled
          ? differenceOfBootstraps(own.resampled, judged.resampled)
          : undefined;
      return {
        id: control.id,
        title: controlTitles[control.id],
        ...judged.judgement,
        difference: paired?.estimate ?? null,
        differenceInterval: paired?.interval ?? null,
        beaten: paired !== undefined && beats(paired.interval, rule.threshold),
      };
    }),
  };
};
