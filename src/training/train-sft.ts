import { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { FineTuningConfig, StepMetrics, TrainingOptions, TrainingResult } from './config.js';
import { batchOrder, factorsOf, optimise } from './optimise.js';
import { packedTokenLogps, packSequences, type TokenSequence } from './packed-sequences.js';

/**
 * Supervised fine-tuning of `policy`, in place: the negative log-likelihood of completion tokens given their prompt,
 * averaged over the batch's completion tokens. Same optimiser and data order as DPO.
 *
 * @throws ComputationError when training diverges
 */
export const trainSft = (
  policy: LanguageModel,
  data: readonly TokenSequence[],
  config: FineTuningConfig,
  options: TrainingOptions,
): Promise<TrainingResult> => {
  const batches = batchOrder(data.length, config.batchSize, config.epochs, options.seed);
  return optimise<StepMetrics>({
    model: policy,
    title: 'SFT',
    totalSteps: batches.length,
    stepAt: (step) => {
      const packed = packSequences(
        (batches[step] ?? []).flatMap((index) => data[index] ?? []),
        policy,
      );
      return {
        tokens: packed.tokens,
        loss: () => ({ loss: tf.neg(tf.mean(packedTokenLogps(policy, packed))) as tf.Scalar }),
        describe: (common) => common,
      };
    },
    config,
    frozen: config.embeddings === 'frozen' ? policy.embeddingNames() : [],
    rateFactors: factorsOf(policy.embeddingNames(), config.embeddingRateFactor ?? 1),
    options,
  });
};
