/** A classifier that tells preferred text from rejected text, trained on examples and judged on others. */
import { createRandom, UsageError } from '../base/index.js';
import { type ClassifierQuality, classifierQuality } from './calibration.js';
import { fitLogistic, type LogisticOptions, logisticScore, sigmoid } from './logistic-regression.js';
import { type TextFeatureOptions, textFeatures } from './text-features.js';

export interface LabelledText {
  readonly text: string;
  /** 1: of the preferred kind. */
  readonly label: 0 | 1;
  /** The sentence or document it comes from: what is judged shares none with what was trained on. */
  readonly source: string;
}

export interface PreferenceClassifierOptions extends LogisticOptions {
  readonly features?: TextFeatureOptions;
}

export interface PreferenceClassifier {
  /** That the text is of the preferred kind: 0 to 1. */
  probability(text: string): number;
  /**
   * Accuracy and calibration on examples it was not trained on.
   *
   * @throws UsageError if one has a source that was trained on: the numbers would flatter
   */
  evaluate(examples: readonly LabelledText[]): ClassifierQuality;
  /** Examples trained on. */
  readonly trainedOn: number;
}

/**
 * Logistic regression on hashed bags of words and word pairs, by default without an intercept: a text that holds
 * nothing the examples held has a probability of exactly ½. The fit is convex: the same examples give the same classifier.
 *
 * @throws UsageError unless both labels occur
 */
export const trainPreferenceClassifier = (
  examples: readonly LabelledText[],
  { features = {}, penalty = 0.1, intercept = false, ...options }: PreferenceClassifierOptions = {},
): PreferenceClassifier => {
  const rows = examples.map(({ text }) => textFeatures(text, features));
  const labels = examples.map(({ label }) => label);
  const model = fitLogistic(rows, labels, features.buckets ?? 4096, { penalty, intercept, ...options });
  const sources = new Set(examples.map(({ source }) => source));
  const probability = (text: string): number => sigmoid(logisticScore(model, textFeatures(text, features)));
  return {
    probability,
    trainedOn: examples.length,
    evaluate: (others) => {
      const known = others.find(({ source }) => sources.has(source));
      if (known) {
        throw new UsageError(`the classifier was trained on text of the source ${known.source}`, {
          hint: 'split the examples by source first: splitLabelledTexts does',
        });
      }
      return classifierQuality(
        others.map(({ text }) => probability(text)),
        others.map(({ label }) => label),
      );
    },
  };
};

/**
 * Parts examples by source: all of a source are on one side.
 *
 * @param heldOutShare of the sources, in (0, 1)
 */
export const splitLabelledTexts = (
  examples: readonly LabelledText[],
  heldOutShare: number,
  seed: number | string = 'classifier',
): { readonly train: LabelledText[]; readonly heldOut: LabelledText[] } => {
  if (!(heldOutShare > 0 && heldOutShare < 1)) {
    throw new UsageError(`the share held out must be between 0 and 1, not ${heldOutShare}`);
  }
  const sources = createRandom(seed).shuffle([...new Set(examples.map(({ source }) => source))].sort());
  const heldOut = new Set(sources.slice(0, Math.round(sources.length * heldOutShare)));
  return {
    train: examples.filter(({ source }) => !heldOut.has(source)),
    heldOut: examples.filter(({ source }) => heldOut.has(source)),
  };
};

/** Both completions of preference tuples as examples: chosen 1, rejected 0. */
export const labelledCompletions = (
  tuples: readonly {
    readonly chosen: string;
    readonly rejected: string;
    readonly source: string;
  }[],
): LabelledText[] =>
  tuples.flatMap(({ chosen, rejected, source }) => [
    { text: chosen, label: 1, source },
    { text: rejected, label: 0, source },
  ]);
