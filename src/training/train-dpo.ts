import { UsageError } from '../base/index.js';
import type { EncodedPreference } from '../data/index.js';
import { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { DpoConfig, DpoStepMetrics, StepMetrics, TrainingOptions, TrainingResult } from './config.js';
import { fineTune } from './fine-tune.js';
import { hashNumbers } from './hash-data.js';
import { type MicroBatch, microBatches, type TrainingStep } from './optimise.js';
import { packedSequenceLogps, packSequences } from './packed-sequences.js';
import { checkPreferenceLoss, needsReference, preferenceLosses } from './preference-losses.js';
import { pairOf, type ReferenceLogps } from './sequence-logps.js';

type Pair = Pick<EncodedPreference, 'prompt' | 'chosen' | 'rejected'>;

/** A pair with what the reference model makes of it; NaN where the loss has no use for one. */
interface TrainingPair extends Pair {
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

/** @throws UsageError for a loss that cannot be trained as asked */
const checkConfig = (config: DpoConfig): void => {
  checkPreferenceLoss(config);
  if (config.loss === 'kto-pair' && (config.microBatchSize ?? config.batchSize) < config.batchSize) {
    throw new UsageError(
      'kto-pair couples the pairs of a batch, which cannot go through the model in parts',
      {
        hint: 'leave microBatchSize out; recompute: true saves memory too',
      },
    );
  }
};

/**
 * Direct Preference Optimization (arXiv 2305.18290, eq. 7) of `policy`, in place: −log σ(m), or another loss of
 * `preferenceLosses`, averaged over the batch, on summed completion log-probabilities, chosen and rejected in one forward
 * pass.
 *
 * @param reference log-probabilities of the same data under the model before training; a loss without reference (SimPO,
 *   ORPO) takes none
 * @throws UsageError when they are not of this data's length; ComputationError when training diverges
 */
export const trainDpo = async (
  policy: LanguageModel,
  data: readonly Pair[],
  reference: ReferenceLogps | undefined,
  config: DpoConfig,
  options: TrainingOptions<DpoStepMetrics>,
): Promise<TrainingResult<DpoStepMetrics>> => {
  checkConfig(config);
  const used = needsReference(config) ? reference : undefined;
  if (needsReference(config) && used === undefined) {
    throw new UsageError(`the loss ${config.loss ?? 'sigmoid'} needs reference log-probabilities`);
  }
  if (used && (used.chosen.length !== data.length || used.rejected.length !== data.length)) {
    throw new UsageError(
      `${data.length} preference tuples need as many reference log-probabilities, not ${used.chosen.length}`,
    );
  }
  const pairs = data.map((pair, index) => ({
    prompt: pair.prompt,
    chosen: pair.chosen,
    rejected: pair.rejected,
    referenceChosen: used?.chosen[index] ?? Number.NaN,
    referenceRejected: used?.rejected[index] ?? Number.NaN,
  }));
  return fineTune({
    policy,
    title: config.loss === undefined || config.loss === 'sigmoid' ? 'DPO' : `DPO (${config.loss})`,
    examples: pairs.length,
    dataHash: hashNumbers([
      ...pairs.flatMap(({ prompt, chosen, rejected }) => [prompt, chosen, rejected]),
      ...(used ? [used.chosen, used.rejected] : []),
    ]),
    stepOf: (members) =>
      dpoStep(
        policy,
        members.flatMap((index) => pairs[index] ?? []),
        members,
        config,
      ),
    config,
    options,
  });
};
