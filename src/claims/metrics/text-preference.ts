/** Inversion as the paper judges it: by a classifier of preference, over texts that the models write. */
import {
  type ClassifierQuality,
  isDegenerate,
  labelledCompletions,
  trainPreferenceClassifier,
} from '../../behaviour/index.js';
import type { EncodedPreference } from '../../data/index.js';
import type { LanguageModel } from '../../model/index.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Measure } from './context.js';
import { type Measurement, rateMeasurement } from './measurement.js';
import { meanOfStatistics } from './random-directions.js';
import { interventionsByPrompt } from './steered-policy.js';
import { continueTexts, screenOf, spreadPrompts } from './steered-texts.js';
import { subjectVectors } from './subject-vectors.js';
import { meanOf, textOf, writingVectors } from './text-searches.js';

/** Held-out prompts continued by base, policy and inverted policy. */
const promptsWritten = 256;

/** Of the kind that is preferred (1) or rejected (−1); 0 where the classifier hears neither. */
type Verdict = -1 | 0 | 1;

interface Judge {
  /** On the completions of the held-out tuples. */
  readonly quality: ClassifierQuality;
  readonly indices: readonly number[];
  readonly verdictsOf: (texts: readonly Int32Array[]) => Verdict[];
  /** The base's own texts, judged. */
  readonly base: readonly Verdict[];
}

const examplesOf = ({ data }: SeedEvidence, tuples: readonly EncodedPreference[]) =>
  labelledCompletions(
    tuples.map(({ chosen, rejected, source }) => ({
      chosen: data.tokenizer.decode(chosen),
      rejected: data.tokenizer.decode(rejected),
      source,
    })),
  );

const makeJudge = async (evidence: SeedEvidence): Promise<Judge> => {
  const { data, base } = evidence;
  const classifier = trainPreferenceClassifier(examplesOf(evidence, data.train));
  const indices = spreadPrompts(evidence, promptsWritten);
  const verdictsOf = (texts: readonly Int32Array[]): Verdict[] =>
    texts.map((tokens) => {
      const chance = classifier.probability(textOf(evidence, tokens));
      return chance > 0.5 ? 1 : chance < 0.5 ? -1 : 0;
    });
  return {
    quality: classifier.evaluate(examplesOf(evidence, data.heldOut)),
    indices,
    verdictsOf,
    base: verdictsOf(await continueTexts(base.model, data.heldOut, indices)),
  };
};

/** Judges made, as the claim and its controls ask for the same; forgotten together with the evidence. */
const judges = new WeakMap<SeedEvidence, Promise<Judge>>();

const judgeOf = (evidence: SeedEvidence): Promise<Judge> => {
  const made = judges.get(evidence) ?? makeJudge(evidence);
  judges.set(evidence, made);
  return made;
};

const shareDegenerate = (texts: readonly Int32Array[], model: LanguageModel): number =>
  texts.filter((text) => isDegenerate(text, screenOf(model))).length / texts.length;

/** Share of the preferred kind among the texts of either kind. */
const preferredShare = (verdicts: readonly Verdict[]): number =>
  verdicts.filter((own) => own === 1).length / verdicts.filter((own) => own !== 0).length;

/**
 * `text-flips-undone`: of the prompts whose greedy text the classifier takes for the preferred kind under the policy and for
 * the rejected kind under the base, or the other way round, the share whose text under policy − v* it takes for the base's
 * kind again; a text that it hears nothing in is not taken back. It was trained on the training tuples' completions; its
 * accuracy and calibration on those of the held-out tuples, of other sources, are in the details.
 */
export const measureTextFlipsUndone: Measure = async ({ evidence }, subject) => {
  const { quality, indices, verdictsOf, base } = await judgeOf(evidence);
  const { data } = evidence;
  const { model } = evidence.variant(subjectVectors(evidence, subject).variant);
  const policy = verdictsOf(await continueTexts(model, data.heldOut, indices));
  const differs = base.map((own, k) => (own !== 0 && policy[k] !== 0 && own !== policy[k] ? 1 : 0));
  const clusters = indices.map((index) => data.clusters[index] ?? '');
  const shared = {
    flips: differs.filter((own) => own === 1).length,
    undecidedTexts: base.filter((own, k) => own === 0 || policy[k] === 0).length,
    basePreferred: preferredShare(base),
    policyPreferred: preferredShare(policy),
    classifierAccuracy: quality.accuracy,
    classifierAccuracyLow: quality.accuracyInterval[0],
    classifierAccuracyHigh: quality.accuracyInterval[1],
    classifierCalibrationError: quality.expectedCalibrationError,
    classifierBrier: quality.brier,
  };
  const measurements: Measurement[] = [];
  for (const vectorsAt of writingVectors(evidence, subject)) {
    const inverting = interventionsByPrompt(evidence, model, vectorsAt, -1);
    const texts = await continueTexts(model, data.heldOut, indices, inverting);
    const inverted = verdictsOf(texts);
    const reached = base.map((own, k) => (inverted[k] === own ? 1 : 0));
    measurements.push(
      rateMeasurement(clusters, reached, differs, {
        ...shared,
        invertedPreferred: preferredShare(inverted),
        degenerateInverted: shareDegenerate(texts, model),
      }),
    );
  }
  const [first] = measurements;
  if (first === undefined) throw new RangeError('no vector to invert by');
  if (measurements.length === 1) return first;
  const meanDetail = (name: string): number =>
    meanOf(measurements.map(({ details }) => details[name] ?? Number.NaN));
  return {
    n: first.n,
    clusters,
    statistic: meanOfStatistics(measurements.map(({ statistic }) => statistic)),
    details: {
      ...shared,
      invertedPreferred: meanDetail('invertedPreferred'),
      degenerateInverted: meanDetail('degenerateInverted'),
      vectors: measurements.length,
    },
  };
};
