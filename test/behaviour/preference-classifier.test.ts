import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import {
  classifierQuality,
  fitLogistic,
  type LabelledText,
  labelledCompletions,
  type SparseRow,
  splitLabelledTexts,
  trainPreferenceClassifier,
} from '../../src/behaviour/index.js';
import { loadShippedPreferences, PREFERENCE_REGIMES } from '../../src/data/index.js';

const row = (...values: readonly number[]): SparseRow => ({
  indices: Int32Array.from(values.keys()),
  values: Float64Array.from(values),
});
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

describe('logistic regression', () => {
  it('has no gradient left at its optimum', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.double({ min: -3, max: 3, noNaN: true }),
            fc.double({ min: -3, max: 3, noNaN: true }),
            fc.boolean(),
          ),
          { minLength: 4, maxLength: 30 },
        ),
        fc.double({ min: 0.05, max: 5, noNaN: true }),
        (points, penalty) => {
          const labels = points.map(([, , label], index) =>
            index === 0 ? 1 : index === 1 ? 0 : Number(label),
          );
          const rows = points.map(([a, b]) => row(a, b));
          const { weights, intercept } = fitLogistic(rows, labels, 2, { penalty, tolerance: 1e-8 });
          const gradient = [penalty * (weights[0] ?? 0), penalty * (weights[1] ?? 0), 0];
          points.forEach(([a, b], index) => {
            const residual =
              logistic((weights[0] ?? 0) * a + (weights[1] ?? 0) * b + intercept) - (labels[index] ?? 0);
            [a, b, 1].forEach((x, k) => {
              gradient[k] = (gradient[k] ?? 0) + residual * x;
            });
          });
          for (const part of gradient) expect(Math.abs(part)).toBeLessThan(1e-7);
        },
      ),
    );
  });

  it('recovers the weights that data were drawn from', () => {
    const random = createRandom('logistic');
    const truth = [1.5, -2, 0.5];
    const rows = Array.from({ length: 5000 }, () => row(random.normal(), random.normal()));
    const labels = rows.map(({ values: [a = 0, b = 0] }) =>
      random.next() < logistic((truth[0] ?? 0) * a + (truth[1] ?? 0) * b + (truth[2] ?? 0)) ? 1 : 0,
    );
    const { weights, intercept } = fitLogistic(rows, labels, 2, { penalty: 1e-3 });
    // Standard errors are near .05 here.
    [...weights, intercept].forEach((value, k) => {
      expect(Math.abs(value - (truth[k] ?? 0))).toBeLessThan(0.2);
    });
    expect(fitLogistic(rows, labels, 2, { intercept: false }).intercept).toBe(0);
  });

  it('needs both labels', () => {
    expect(() => fitLogistic([row(1)], [1], 1)).toThrow(UsageError);
  });
});

describe('the quality of a classifier', () => {
  it('is what its definitions say, on numbers worked out by hand', () => {
    const quality = classifierQuality([0.9, 0.8, 0.3, 0.5], [1, 0, 0, 1], 2);
    expect(quality.accuracy).toBe(0.5);
    expect(quality.undecided).toBe(1);
    expect(quality.majority).toBe(0.5);
    expect(quality.brier).toBeCloseTo((0.01 + 0.64 + 0.09 + 0.25) / 4, 12);
    expect(quality.logLoss).toBeCloseTo(
      -(Math.log(0.9) + Math.log(0.2) + Math.log(0.7) + Math.log(0.5)) / 4,
      12,
    );
    // Below ½: predicted .3, observed 0. From ½ on: predicted 2.2 / 3, observed 2 / 3.
    expect(quality.expectedCalibrationError).toBeCloseTo(0.25 * 0.3 + 0.75 * (2.2 / 3 - 2 / 3), 12);
    expect(quality.bins.map(({ count }) => count)).toEqual([1, 3]);
    // Wilson's interval of 2 in 4, worked out from its formula.
    expect(quality.accuracyInterval[0]).toBeCloseTo(0.15, 2);
    expect(quality.accuracyInterval[1]).toBeCloseTo(0.85, 2);
  });

  it('finds honest probabilities calibrated, and overconfident ones not', () => {
    const random = createRandom('calibration');
    const chances = Array.from({ length: 20_000 }, () => random.next());
    const labels = chances.map((p) => (random.next() < p ? 1 : 0));
    expect(classifierQuality(chances, labels).expectedCalibrationError).toBeLessThan(0.02);
    const sure = chances.map((p) => (p > 0.5 ? 0.99 : 0.01));
    expect(classifierQuality(sure, labels).expectedCalibrationError).toBeGreaterThan(0.2);
  });

  it('cannot be told of nothing, or of what is no probability', () => {
    expect(() => classifierQuality([], [])).toThrow(UsageError);
    expect(() => classifierQuality([Number.NaN], [1])).toThrow(UsageError);
  });
});

describe('the preference classifier', () => {
  it.each(PREFERENCE_REGIMES)('tells chosen from rejected in held-out tuples of %s', async (regime) => {
    const { train, heldOut } = await loadShippedPreferences(regime);
    const classifier = trainPreferenceClassifier(labelledCompletions(train));
    const quality = classifier.evaluate(labelledCompletions(heldOut));
    expect(quality.n).toBe(2 * heldOut.length);
    expect(quality.accuracyInterval[0]).toBeGreaterThan(0.85);
    expect(quality.expectedCalibrationError).toBeLessThan(0.08);
    expect(classifier.probability('')).toBe(0.5);
  });

  it('is no better than chance on labels that mean nothing', async () => {
    const { train, heldOut } = await loadShippedPreferences('many-frames');
    // Labels fall on some two hundred words, which leaves one toss 5 % of spread: a mean of eight has 2 %.
    const accuracies = Array.from({ length: 8 }, (_, toss) => {
      const random = createRandom(`coin ${toss}`);
      const shuffled = labelledCompletions(train).map(
        (own): LabelledText => ({
          ...own,
          label: random.next() < 0.5 ? 1 : 0,
        }),
      );
      const { probability } = trainPreferenceClassifier(shuffled);
      const decided = labelledCompletions(heldOut).filter(({ text }) => probability(text) !== 0.5);
      return (
        decided.filter(({ text, label }) => probability(text) > 0.5 === (label === 1)).length / decided.length
      );
    });
    const mean = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.07);
  });

  it('turns round with its labels', async () => {
    const { train } = await loadShippedPreferences('one-frame');
    const examples = labelledCompletions(train);
    const turned = examples.map((own): LabelledText => ({ ...own, label: own.label === 1 ? 0 : 1 }));
    const text = 'It was awesome, though a bit slow';
    const sum =
      trainPreferenceClassifier(examples).probability(text) +
      trainPreferenceClassifier(turned).probability(text);
    expect(sum).toBeCloseTo(1, 4);
  });

  it('refuses to be judged on a source that it was trained on', () => {
    const examples: LabelledText[] = [
      { text: 'good', label: 1, source: 'a' },
      { text: 'bad', label: 0, source: 'b' },
    ];
    const classifier = trainPreferenceClassifier(examples);
    expect(classifier.probability('good')).toBeGreaterThan(0.5);
    expect(() => classifier.evaluate([{ text: 'fine', label: 1, source: 'b' }])).toThrow(/source b/);
  });

  it('splits examples by source', () => {
    const examples = Array.from(
      { length: 100 },
      (_, index): LabelledText => ({
        text: `${index}`,
        label: index % 2 === 0 ? 1 : 0,
        source: `s${index % 20}`,
      }),
    );
    const { train, heldOut } = splitLabelledTexts(examples, 0.25);
    expect(heldOut).toHaveLength(25);
    const trained = new Set(train.map(({ source }) => source));
    expect(heldOut.some(({ source }) => trained.has(source))).toBe(false);
  });
});
