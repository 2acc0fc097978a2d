/** Preference optimisation on pairs of completions, as steps of training. */
import type { EncodedPreference } from '../data/index.js';
import { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { DpoConfig, DpoStepMetrics, StepMetrics } from './config.js';
import { packedSequenceLogps, packSequences } from './packed-sequences.js';
import { needsReference, preferenceLosses } from './preference-losses.js';
import { pairOf } from './sequence-logps.js';
import {
  epochSteps,
  type MicroBatch,
  microBatches,
  type TrainingStep,
  type TrainingSteps,
} from './training-step.js';

export type Pair = Pick<EncodedPreference, 'prompt' | 'chosen' | 'rejected'>;

/** A pair with what the reference model makes of it; NaN where the loss has no use for one. */
export interface TrainingPair extends Pair {
  readonly referenceChosen: number;
  readonly referenceRejected: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * TRL's metrics of a step, from `logps` = chosen and rejected of each pair in turn, both sums over tokens. The implicit
 * reward is β·(log π − log π_ref), and of a loss without reference β times the mean log π of a token.
 */
const describeStep = (
  common: StepMetrics,
  logps: readonly number[],
  pairs: readonly TrainingPair[],
  config: DpoConfig,
): DpoStepMetrics => {
  const { beta } = config;
  const policyChosen = pairs.map((_, i) => logps[2 * i] ?? Number.NaN);
  const policyRejected = pairs.map((_, i) => logps[2 * i + 1] ?? Number.NaN);
  const reward = (logp: number | undefined, reference: number, { length }: Int32Array): number =>
    beta * (needsReference(config) ? (logp ?? Number.NaN) - reference : (logp ?? Number.NaN) / length);
  const chosen = pairs.map((pair, i) => reward(policyChosen[i], pair.referenceChosen, pair.chosen));
  const rejected = pairs.map((pair, i) => reward(policyRejected[i], pair.referenceRejected, pair.rejected));
  const margins = chosen.map((value, i) => value - (rejected[i] ?? Number.NaN));
  return {
    ...common,
    'rewards/chosen': mean(chosen),
    'rewards/rejected': mean(rejected),
    'rewards/margins': mean(margins),
    'rewards/accuracies': mean(margins.map((margin) => (margin > 0 ? 1 : 0))),
    'logps/chosen': mean(policyChosen),
    'logps/rejected': mean(policyRejected),
  };
};

const dpoPart = (
  policy: LanguageModel,
  pairs: readonly TrainingPair[],
  config: DpoConfig,
): Pick<MicroBatch, 'tokens' | 'loss'> => {
  const packed = packSequences(pairs.flatMap(pairOf), policy);
  const fixed = {
    referenceChosen: pairs.map(({ referenceChosen }) => referenceChosen),
    referenceRejected: pairs.map(({ referenceRejected }) => referenceRejected),
    chosenLengths: pairs.map(({ chosen }) => chosen.length),
    rejectedLengths: pairs.map(({ rejected }) => rejected.length),
  };
  return {
    tokens: packed.tokens,
    loss: (forward) => {
      const logps = packedSequenceLogps(policy, packed, forward);
      const [policyChosen, policyRejected] = tf
        .split(tf.reshape(logps, [pairs.length, 2]), 2, 1)
        .map((side) => tf.reshape(side, [pairs.length])) as [tf.Tensor1D, tf.Tensor1D];
      const losses = preferenceLosses({ policyChosen, policyRejected, ...fixed }, config);
      return { loss: tf.mean(losses) as tf.Scalar, observed: logps };
    },
  };
};

const dpoStep = (
  policy: LanguageModel,
  pairs: readonly TrainingPair[],
  members: readonly number[],
  config: DpoConfig,
): TrainingStep<DpoStepMetrics> => {
  const batch = pairs.map((pair, i) => ({ pair, index: members[i] ?? 0 }));
  return {
    parts: microBatches(batch, config).map((part) => ({
      weight: part.length / batch.length,
      examples: part.map(({ index }) => index),
      ...dpoPart(
        policy,
        part.map(({ pair }) => pair),
        config,
      ),
    })),
    describe: (common, observed) => describeStep(common, observed, pairs, config),
  };
};

export const preferenceSteps = (
  policy: LanguageModel,
  pairs: readonly TrainingPair[],
  config: DpoConfig,
  seed: number,
): TrainingSteps<DpoStepMetrics> =>
  epochSteps(pairs.length, config, seed, (members) =>
    dpoStep(
      policy,
      members.flatMap((index) => pairs[index] ?? []),
      members,
      config,
    ),
  );
