/** What a trainer trains on and how, as data: enough for another thread to make the same steps of it. */
import type { LanguageModel } from '../model/index.js';
import type { DpoConfig, FineTuningConfig, StepMetrics } from './config.js';
import { type LanguageModellingConfig, languageModelSteps, type TokenRows } from './language-model-steps.js';
import type { TokenSequence } from './packed-sequences.js';
import { preferenceSteps, type TrainingPair } from './preference-steps.js';
import { sftSteps } from './sft-steps.js';
import type { TrainingSteps } from './training-step.js';

interface Task<Trainer extends string, Data, Config> {
  readonly trainer: Trainer;
  readonly data: Data;
  readonly config: Config;
  readonly seed: number;
}

export type TrainingTask =
  | Task<'lm', TokenRows, LanguageModellingConfig>
  | Task<'sft', readonly TokenSequence[], FineTuningConfig>
  | Task<'dpo', readonly TrainingPair[], DpoConfig>;

/** The steps of a task on this model. @throws UsageError for data that its trainer cannot read */
export const stepsOf = (task: TrainingTask, model: LanguageModel): TrainingSteps<StepMetrics> => {
  if (task.trainer === 'lm') return languageModelSteps(model, task.data, task.config, task.seed);
  if (task.trainer === 'sft') return sftSteps(model, task.data, task.config, task.seed);
  return preferenceSteps(model, task.data, task.config, task.seed);
};

/**
 * The task with its batches cut into at least `count` parts of like size, where its batches are that large: so many can
 * compute a step together. It changes results by rounding only; a loss that couples the pairs of a batch stays whole.
 */
export const inParts = <T extends TrainingTask>(task: T, count: number): T => {
  const { batchSize, microBatchSize = batchSize } = task.config;
  const isCoupled = task.trainer === 'dpo' && task.config.loss === 'kto-pair';
  if (count === 1 || isCoupled) return task;
  return {
    ...task,
    config: { ...task.config, microBatchSize: Math.min(microBatchSize, Math.ceil(batchSize / count)) },
  };
};
