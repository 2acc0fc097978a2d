/** How good predicted probabilities are: accuracy, Brier score, expected calibration error. */
import { UsageError } from '../base/index.js';
import { type Interval, wilsonInterval } from '../statistics/index.js';

/** Predictions of about the same probability. */
export interface ReliabilityBin {
  /** Probabilities in [from, to); the last bin has its upper end too. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean of the predicted probabilities; NaN of an empty bin. */
  readonly predicted: number;
  /** Share of positive labels; NaN of an empty bin. */
  readonly observed: number;
}

export interface ClassifierQuality {
  readonly n: number;
  /** Predictions of exactly ½, which count as wrong. */
  readonly undecided: number;
  /** Share of labels on whose side of ½ the probability is. */
  readonly accuracy: number;
  /** Wilson's interval for it, 95 %. */
  readonly accuracyInterval: Interval;
  /** Accuracy of always saying what is more frequent. */
  readonly majority: number;
  /** Mean (p − y)². */
  readonly brier: number;
  /** Mean −log p of the label, in nats. */
  readonly logLoss: number;
  /** Σ (count / n)·|predicted − observed| over the bins. */
  readonly expectedCalibrationError: number;
  readonly bins: readonly ReliabilityBin[];
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Quality of probabilities against labels.
 *
 * @param probabilities in [0, 1]
 * @param labels 0 or 1
 * @param bins of equal width. Default 10
 * @throws UsageError unless there is one label for every probability, and at least one
 */
export const classifierQuality = (
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  bins = 10,
): ClassifierQuality => {
  const n = probabilities.length;
  if (n === 0 || n !== labels.length) {
    throw new UsageError(`${n} probabilities with ${labels.length} labels cannot be evaluated`);
  }
  const points = Array.from(probabilities, (p, i) => ({ p, y: labels[i] ?? 0 }));
  const bad = points.find(({ p, y }) => !(p >= 0 && p <= 1) || (y !== 0 && y !== 1));
  if (bad) throw new UsageError(`a probability of ${bad.p} for the label ${bad.y} cannot be evaluated`);
  const right = points.filter(({ p, y }) => (y === 1 ? p > 0.5 : p < 0.5)).length;
  const positives = points.filter(({ y }) => y === 1).length;
  const reliability = Array.from({ length: bins }, (_, k): ReliabilityBin => {
    const own = points.filter(({ p }) => Math.min(bins - 1, Math.floor(p * bins)) === k);
    return {
      from: k / bins,
      to: (k + 1) / bins,
      count: own.length,
      predicted: meanOf(own.map(({ p }) => p)),
      observed: meanOf(own.map(({ y }) => y)),
    };
  });
  return {
    n,
    undecided: points.filter(({ p }) => p === 0.5).length,
    accuracy: right / n,
    accuracyInterval: wilsonInterval(right, n),
    majority: Math.max(positives, n - positives) / n,
    brier: meanOf(points.map(({ p, y }) => (p - y) ** 2)),
    logLoss: meanOf(points.map(({ p, y }) => -Math.log(y === 1 ? p : 1 - p))),
    expectedCalibrationError: reliability.reduce(
      (sum, { count, predicted, observed }) =>
        count === 0 ? sum : sum + (count / n) * Math.abs(predicted - observed),
      0,
    ),
    bins: reliability,
  };
};
