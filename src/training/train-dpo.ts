import { UsageError } from '../base/index.js';
import type { EncodedPreference } from '../data/index.js';
import { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { DpoConfig, DpoStepMetrics, StepMetrics, TrainingOptions, TrainingResult } from './config.js';
import { dpoLosses } from './dpo-losses.js';
import { dpoSigmoidLoss } from './losses.js';
import { batchOrder, factorsOf, optimise, type TrainingStep } from './optimise.js';
import { packedSequenceLogps, packSequences } from './packed-sequences.js';
import { pairOf, type ReferenceLogps } from './sequence-logps.js';

type Pair = Pick<EncodedPreference, 'prompt' | 'chosen' | 'rejected'>;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** TRL's metrics of a step, from `logps` = chosen and rejected of each pair in turn. */
const describeStep = (
  common: StepMetrics,
  logps: ArrayLike<number>,
  reference: readonly { readonly chosen: number; readonly rejected: number }[],
  beta: number,
): DpoStepMetrics => {
  const policyChosen = reference.map((_, i) => logps[2 * i] ?? Number.NaN);
  const policyRejected = reference.map((_, i) => logps[2 * i + 1] ?? Number.NaN);
  const pairs = reference.map(({ chosen, rejected }, i) =>
    dpoSigmoidLoss(
      {
        policyChosen: policyChosen[i] ?? Number.NaN,
        policyRejected: policyRejected[i] ?? Number.NaN,
        referenceChosen: chosen,
        referenceRejected: rejected,
      },
      beta,
    ),
  );
  return {
    ...common,
    'rewards/chosen': mean(pairs.map(({ chosenReward }) => chosenReward)),
    'rewards/rejected': mean(pairs.map(({ rejectedReward }) => rejectedReward)),
    'rewards/margins': mean(pairs.map(({ margin }) => margin)),
    'rewards/accuracies': mean(pairs.map(({ margin }) => (margin > 0 ? 1 : 0))),
    'logps/chosen': mean(policyChosen),
    'logps/rejected': mean(policyRejected),
  };
};

const dpoStep = (
  policy: LanguageModel,
  pairs: readonly Pair[],
  reference: readonly { readonly chosen: number; readonly rejected: number }[],
  beta: number,
): TrainingStep<DpoStepMetrics> => {
  const packed = packSequences(pairs.flatMap(pairOf), policy);
  // Subtracted in float64, so that float32 sees only the small difference.
  const referenceMargins = Float32Array.from(reference, ({ chosen, rejected }) => chosen - rejected);
  return {
    tokens: packed.tokens,
    loss: () => {
      const logps = packedSequenceLogps(policy, packed);
      const sides = tf.reshape(logps, [pairs.length, 2]);
      const policyMargins = tf.sum(tf.mul(sides, tf.tensor2d([[1, -1]])), 1);
      const losses = dpoLosses(policyMargins as tf.Tensor1D, tf.tensor1d(referenceMargins), beta);
      return { loss: tf.mean(losses) as tf.Scalar, observed: logps };
    },
    describe: (common, observed) => describeStep(common, observed, reference, beta),
  };
};

/**
 * Direct Preference Optimization (arXiv 2305.18290, eq. 7) of `policy`, in place: −log σ(m) averaged over the batch, on
 * summed completion log-probabilities, chosen and rejected in one forward pass.
 *
 * @param reference log-probabilities of the same data under the model before training
 * @throws UsageError when they are not of this data's length; ComputationError when training diverges
 */
export const trainDpo = async (
  policy: LanguageModel,
  data: readonly Pair[],
  reference: ReferenceLogps,
  config: DpoConfig,
  options: TrainingOptions<DpoStepMetrics>,
): Promise<TrainingResult<DpoStepMetrics>> => {
  if (reference.chosen.length !== data.length || reference.rejected.length !== data.length) {
    throw new UsageError(
      `${data.length} preference tuples need as many reference log-probabilities, not ${reference.chosen.length}`,
    );
  }
  const batches = batchOrder(data.length, config.batchSize, config.epochs, options.seed);
  return optimise({
    model: policy,
    title: 'DPO',
    totalSteps: batches.length,
    stepAt: (step) => {
      const members = batches[step] ?? [];
      return dpoStep(
        policy,
        members.flatMap((index) => data[index] ?? []),
        members.map((index) => ({
          chosen: reference.chosen[index] ?? Number.NaN,
          rejected: reference.rejected[index] ?? Number.NaN,
        })),
        config.beta,
      );
    },
    config,
    frozen: config.embeddings === 'frozen' ? policy.embeddingNames() : [],
    rateFactors: factorsOf(policy.embeddingNames(), config.embeddingRateFactor ?? 1),
    options,
  });
};
