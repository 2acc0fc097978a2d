/** What trainers add to the loop: frozen embeddings, and adapters. */
import { UsageError } from '../base/index.js';
import type { FineTuningConfig, StepMetrics } from './config.js';
import { attachLora } from './lora.js';
import { type OptimiseInput, optimise } from './optimise.js';
import type { TrainingResult } from './training-options.js';

type Trained = { readonly embeddings?: FineTuningConfig['embeddings'] | undefined } & Pick<
  FineTuningConfig,
  'alsoFrozen' | 'lora'
>;

/** `optimise` of what the configuration says is trained: all parameters but the frozen, or an adapter, merged at the end. */
export const optimiseTrained = async <Metrics extends StepMetrics>({
  model,
  options,
  ...rest
}: Omit<OptimiseInput<Metrics>, 'frozen'>): Promise<TrainingResult<Metrics>> => {
  const { embeddings, alsoFrozen = [], lora }: Trained = rest.task.config;
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
