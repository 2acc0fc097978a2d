import type { LanguageModel } from '../model/index.js';
import type { StepMetrics } from './config.js';
import { hashNumbers } from './hash-data.js';
import type { LanguageModellingConfig, TokenRows } from './language-model-steps.js';
import { optimiseTrained } from './optimise-trained.js';
import type { TrainingOptions, TrainingResult } from './training-options.js';

/**
 * Trains `model` in place to predict the next token of text: the negative log-likelihood averaged over all positions.
 * Every parameter is trained, unless the configuration says otherwise.
 *
 * @throws UsageError for rows of unequal lengths; ComputationError when training diverges
 */
export const trainLanguageModel = async (
  model: LanguageModel,
  rows: TokenRows,
  config: LanguageModellingConfig,
  options: TrainingOptions,
): Promise<TrainingResult> =>
  optimiseTrained<StepMetrics>({
    model,
    title: 'pretraining',
    task: { trainer: 'lm', data: rows, config, seed: options.seed },
    dataHash: hashNumbers(rows),
    options,
  });
