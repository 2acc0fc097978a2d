/** What trainers add to the loop: frozen embeddings, adapters, and for fine-tuning epochs over examples. */
import { UsageError } from '../base/index.js';
import type { LanguageModel } from '../model/index.js';
import type { FineTuningConfig, StepMetrics, TrainingOptions, TrainingResult } from './config.js';
import { attachLora } from './lora.js';
import { batchOrder, type OptimiseInput, optimise, type TrainingStep } from './optimise.js';

type Trained = { readonly embeddings?: FineTuningConfig['embeddings'] | undefined } & Pick<
  FineTuningConfig,
  'alsoFrozen' | 'lora'
>;

/** `optimise` of what the configuration says is trained: all parameters but the frozen, or an adapter, merged at the end. */
export const optimiseTrained = async <Metrics extends StepMetrics>({
  model,
  config,
  options,
  ...rest
}: Omit<OptimiseInput<Metrics>, 'frozen'> & { readonly config: Trained }): Promise<
  TrainingResult<Metrics>
> => {
  const { embeddings, alsoFrozen = [], lora } = config;
  if ((lora ?? options.adapter) !== undefined && embeddings === 'unfrozen') {
    throw new UsageError('LoRA trains adapters alone and cannot unfreeze embeddings', {
      hint: 'set embeddings: frozen, or leave lora out',
    });
  }
  const unknown = alsoFrozen.find((name) => !model.variables.has(name));
  if (unknown !== undefined) throw new UsageError(`the model has no parameter "${unknown}" to freeze`);
  const frozen = [...(embeddings === 'frozen' ? model.embeddingNames() : []), ...alsoFrozen];
  const own = options.adapter || !lora ? undefined : attachLora(model, lora, options.seed);
  try {
    const result = await optimise({
      model,
      config,
      frozen,
      options: own ? { ...options, adapter: own } : options,
      ...rest,
    });
    own?.merge();
    return result;
  } catch (error) {
    own?.dispose();
    throw error;
  }
};

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

export const fineTune = <Metrics extends StepMetrics>({
  policy,
  examples,
  stepOf,
  config,
  options,
  ...rest
}: FineTuneInput<Metrics>): Promise<TrainingResult<Metrics>> => {
  const batches = batchOrder(examples, config.batchSize, config.epochs, options.seed);
  return optimiseTrained({
    model: policy,
    totalSteps: batches.length,
    stepAt: (step) => stepOf(batches[step] ?? []),
    config,
    options,
    ...rest,
  });
};
