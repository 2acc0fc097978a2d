/** Supervised fine-tuning on completions, as steps of training. */
import { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { FineTuningConfig, StepMetrics } from './config.js';
import { packedTokenLogps, packSequences, type TokenSequence } from './packed-sequences.js';
import { epochSteps, type MicroBatch, microBatches, type TrainingSteps } from './training-step.js';

export const sftSteps = (
  policy: LanguageModel,
  data: readonly TokenSequence[],
  config: FineTuningConfig,
  seed: number,
): TrainingSteps<StepMetrics> => {
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
  return epochSteps(data.length, config, seed, (members) => ({
    parts: microBatches(members, config).map((part) => partOf(part, tokensIn(part) / tokensIn(members))),
    describe: (common) => common,
  }));
};
