/** The seam where architectures are added: how each is configured, which tensors it has, how it is built. */
import { InputError } from '../base/index.js';
import type { tf } from '../engine/index.js';
import type { LanguageModel, ModelConfig } from './language-model.js';
import { buildLlama, llamaParameterShapes } from './llama.js';
import { llamaConfigToJson, parseLlamaConfig } from './llama-config.js';

export interface Architecture {
  /** `architectures` entries of config.json that this reads. */
  readonly classNames: readonly string[];
  parseConfig(json: Readonly<Record<string, unknown>>, file: string): ModelConfig;
  configToJson(config: ModelConfig, storedDtype: 'F32' | 'F16'): Readonly<Record<string, unknown>>;
  /** Every parameter that must be in a checkpoint, with its shape. */
  parameterShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]>;
  /** Tensors that checkpoints may carry but that hold no parameter of their own. */
  isRedundant(name: string, config: ModelConfig): boolean;
  build(config: ModelConfig, variables: ReadonlyMap<string, tf.Variable>): LanguageModel;
}

const llama: Architecture = {
  classNames: ['LlamaForCausalLM'],
  parseConfig: parseLlamaConfig,
  configToJson: llamaConfigToJson,
  parameterShapes: llamaParameterShapes,
  isRedundant: (name) => name.endsWith('.rotary_emb.inv_freq'),
  build: buildLlama,
};

/** By `model_type` of config.json. */
const architectures: ReadonlyMap<string, Architecture> = new Map([['llama', llama]]);

/** @throws InputError naming the model type, or the class, that is not supported */
export const findArchitecture = (json: Readonly<Record<string, unknown>>, file: string): Architecture => {
  const modelType = json['model_type'];
  const architecture = typeof modelType === 'string' ? architectures.get(modelType) : undefined;
  if (!architecture) {
    throw new InputError(`models of type ${JSON.stringify(modelType)} are not supported`, {
      where: { file },
      hint: `supported: ${[...architectures.keys()].join(', ')}`,
    });
  }
  const [className] = Array.isArray(json['architectures']) ? json['architectures'] : [];
  if (className !== undefined && !architecture.classNames.includes(className)) {
    throw new InputError(`the architecture ${JSON.stringify(className)} is not supported`, {
      where: { file },
      hint: `supported: ${architecture.classNames.join(', ')}`,
    });
  }
  return architecture;
};

/** The architecture that a configuration in memory belongs to. */
export const architectureOf = (config: ModelConfig): Architecture =>
  findArchitecture({ model_type: config.architecture }, config.architecture);
