/** What fine-tuning adds to the loop: epochs over examples, frozen embeddings, adapters. */
import { UsageError } from '../base/index.js';
import type { LanguageModel } from '../model/index.js';
import type { FineTuningConfig, StepMetrics, TrainingOptions, TrainingResult } from './config.js';
import { attachLora } from './lora.js';
import { batchOrder, optimise, type TrainingStep } from './optimise.js';

export interface FineTuneInput<Metrics extends StepMetrics> {
  readonly policy: LanguageModel;
  readonly title: string;
  /** How many examples there are. */
  readonly examples: number;
  readonly dataHash: string;
  /** The step that trains on these examples, by their places in the data. */
  readonly stepOf: (members: readonly number[]) => TrainingStep<Metrics>;
  readonly config: FineTuningConfig;
  readonly options: TrainingOptions<Metrics>;
}

/** Trains the policy, or with `config.lora` an adapter that is then merged into it. */
export const fineTune = async <Metrics extends StepMetrics>({
  policy,
  title,
  examples,
  dataHash,
  stepOf,
  config,
  options,
}: FineTuneInput<Metrics>): Promise<TrainingResult<Metrics>> => {
  const { embeddings, alsoFrozen = [], lora } = config;
  if ((lora ?? options.adapter) !== undefined && embeddings === 'unfrozen') {
    throw new UsageError('LoRA trains adapters alone and cannot unfreeze embeddings', {
      hint: 'set embeddings: frozen, or leave lora out',
    });
  }
  const unknown = alsoFrozen.find((name) => !policy.variables.has(name));
  if (unknown !== undefined) throw new UsageError(`the model has no parameter "${unknown}" to freeze`);
  const own = options.adapter || !lora ? undefined : attachLora(policy, lora, options.seed);
  const batches = batchOrder(examples, config.batchSize, config.epochs, options.seed);
  try {
    const result = await optimise({
      model: policy,
      title,
      totalSteps: batches.length,
      stepAt: (step) => stepOf(batches[step] ?? []),
      config,
      frozen: [...(embeddings === 'frozen' ? policy.embeddingNames() : []), ...alsoFrozen],
      dataHash,
      options: own ? { ...options, adapter: own } : options,
    });
    own?.merge();
    return result;
  } catch (error) {
    own?.dispose();
    throw error;
  }
};
