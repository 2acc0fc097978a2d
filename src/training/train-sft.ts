import { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { FineTuningConfig, StepMetrics, TrainingOptions, TrainingResult } from './config.js';
import { fineTune } from './fine-tune.js';
import { hashNumbers } from './hash-data.js';
import { type MicroBatch, microBatches } from './optimise.js';
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
  const tokensIn = (members: readonly number[]): number =>
    members.reduce((sum, index) => sum + (data[index]?.completion.length ?? 0), 0);
  const partOf = (members: readonly number[], share: number): MicroBatch => {
    const packed = packSequences(
      members.flatMap((index) => data[index] ?? []),
      policy,
    );
    return {
      weight: share,
      tokens: packed.tokens,
      examples: members,
      loss: (forward) => ({
        loss: tf.neg(tf.mean(packedTokenLogps(policy, packed, forward))) as tf.Scalar,
      }),
    };
  };
  return fineTune<StepMetrics>({
    policy,
    title: 'SFT',
    examples: data.length,
    dataHash: hashNumbers(data.flatMap(({ prompt, completion }) => [prompt, completion])),
    stepOf: (members) => ({
      parts: microBatches(members, config).map((part) => partOf(part, tokensIn(part) / tokensIn(members))),
      describe: (common) => common,
    }),
    config,
    options,
  });
};
