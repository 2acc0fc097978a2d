import type { LanguageModel } from '../model/index.js';
import type { FineTuningConfig, StepMetrics } from './config.js';
import { hashNumbers } from './hash-data.js';
import { optimiseTrained } from './optimise-trained.js';
import type { TokenSequence } from './packed-sequences.js';
import type { TrainingOptions, TrainingResult } from './training-options.js';

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
): Promise<TrainingResult> =>
  optimiseTrained<StepMetrics>({
    model: policy,
    title: 'SFT',
    task: { trainer: 'sft', data, config, seed: options.seed },
    dataHash: hashNumbers(data.flatMap(({ prompt, completion }) => [prompt, completion])),
    options,
  });
