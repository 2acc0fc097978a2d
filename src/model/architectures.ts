/** The seam where architectures are added: how each is configured, which tensors it has, how it is built. */
import { InputError, showValue } from '../base/index.js';
import { buildGptNeox, gptNeoxInitialValues, gptNeoxParameterShapes, isGptNeoxBuffer } from './gpt-neox.js';
import { gptNeoxConfigToJson, parseGptNeoxConfig } from './gpt-neox-config.js';
import { buildGpt2, gpt2CanonicalName, gpt2InitialValues, gpt2ParameterShapes, isGpt2Mask } from './gpt2.js';
import { gpt2ConfigToJson, parseGpt2Config } from './gpt2-config.js';
import type { LanguageModel, ModelConfig } from './language-model.js';
import { buildLlama, llamaInitialValues, llamaParameterShapes } from './llama.js';
import { llamaConfigToJson, parseLlamaConfig, parseMistralConfig, parseQwen2Config } from './llama-config.js';
import { buildT5, t5HeadScale } from './t5.js';
import { parseT5Config, t5ConfigToJson } from './t5-config.js';
import { isUnusedT5Bias, t5InitialValues, t5Names, t5ParameterShapes } from './t5-parameters.js';
import type { InitialValues, ParameterShapes, Variables } from './variables.js';

export interface Architecture {
  /** `architectures` entries of config.json that this reads. */
  readonly classNames: readonly string[];
  parseConfig(json: Readonly<Record<string, unknown>>, file: string): ModelConfig;
  configToJson(config: ModelConfig, storedDtype: 'F32' | 'F16'): Readonly<Record<string, unknown>>;
  /** Every parameter that must be in a checkpoint, with its shape. */
  parameterShapes(config: ModelConfig): ParameterShapes;
  /** Tensors that checkpoints may carry but that hold no parameter of their own. */
  isRedundant(name: string): boolean;
  /** The parameter's own name for one that checkpoints may use. */
  canonicalName(name: string): string;
  /** Tensors that checkpoints may store again, by the parameter that each has to equal. */
  copies(config: ModelConfig): ReadonlyMap<string, string>;
  /** How fresh parameters are filled. */
  initialValues(config: ModelConfig): (name: string, shape: readonly number[]) => InitialValues;
  /** What the final hidden state is multiplied by, beyond the final norm, for this head. */
  headScale(config: ModelConfig): number;
  build(config: ModelConfig, variables: Variables): LanguageModel;
}

const asStored = (name: string): string => name;
const unscaled = (): number => 1;

const llama: Architecture = {
  classNames: ['LlamaForCausalLM'],
  parseConfig: parseLlamaConfig,
  configToJson: llamaConfigToJson,
  parameterShapes: llamaParameterShapes,
  isRedundant: (name) => name.endsWith('.rotary_emb.inv_freq'),
  canonicalName: asStored,
  copies: ({ tied }) => new Map(tied ? [['lm_head.weight', 'model.embed_tokens.weight']] : []),
  initialValues: llamaInitialValues,
  headScale: unscaled,
  build: buildLlama,
};

const mistral: Architecture = {
  ...llama,
  classNames: ['MistralForCausalLM'],
  parseConfig: parseMistralConfig,
};

const qwen2: Architecture = { ...llama, classNames: ['Qwen2ForCausalLM'], parseConfig: parseQwen2Config };

const gptNeox: Architecture = {
  classNames: ['GPTNeoXForCausalLM'],
  parseConfig: parseGptNeoxConfig,
  configToJson: gptNeoxConfigToJson,
  parameterShapes: gptNeoxParameterShapes,
  isRedundant: isGptNeoxBuffer,
  canonicalName: asStored,
  copies: ({ tied }) => new Map(tied ? [['embed_out.weight', 'gpt_neox.embed_in.weight']] : []),
  initialValues: gptNeoxInitialValues,
  headScale: unscaled,
  build: buildGptNeox,
};

const gpt2: Architecture = {
  classNames: ['GPT2LMHeadModel'],
  parseConfig: parseGpt2Config,
  configToJson: gpt2ConfigToJson,
  parameterShapes: gpt2ParameterShapes,
  isRedundant: isGpt2Mask,
  canonicalName: gpt2CanonicalName,
  copies: ({ tied }) => new Map(tied ? [['lm_head.weight', 'transformer.wte.weight']] : []),
  initialValues: gpt2InitialValues,
  headScale: unscaled,
  build: buildGpt2,
};

const t5: Architecture = {
  classNames: ['T5ForConditionalGeneration', 'T5WithLMHeadModel'],
  parseConfig: parseT5Config,
  configToJson: t5ConfigToJson,
  parameterShapes: t5ParameterShapes,
  isRedundant: isUnusedT5Bias,
  canonicalName: asStored,
  copies: ({ tied }) => {
    const copies = ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight'];
    return new Map(
      [...copies, ...(tied ? [t5Names.unembedding] : [])].map((name) => [name, t5Names.embedding]),
    );
  },
  initialValues: t5InitialValues,
  headScale: t5HeadScale,
  build: buildT5,
};

/** By `model_type` of config.json. */
const architectures: ReadonlyMap<string, Architecture> = new Map([
  ['llama', llama],
  ['mistral', mistral],
  ['qwen2', qwen2],
  ['gpt2', gpt2],
  ['gpt_neox', gptNeox],
  ['t5', t5],
]);

/** @throws InputError naming the model type, or the class, that is not supported */
export const findArchitecture = (json: Readonly<Record<string, unknown>>, file: string): Architecture => {
  const modelType = json['model_type'];
  const architecture = typeof modelType === 'string' ? architectures.get(modelType) : undefined;
  if (!architecture) {
    throw new InputError(`models of type ${showValue(modelType)} are not supported`, {
      where: { file },
      hint: `supported: ${[...architectures.keys()].join(', ')}`,
    });
  }
  const [className] = Array.isArray(json['architectures']) ? json['architectures'] : [];
  if (className !== undefined && !architecture.classNames.includes(className)) {
    throw new InputError(`the architecture ${showValue(className)} is not supported`, {
      where: { file },
      hint: `supported: ${architecture.classNames.join(', ')}`,
    });
  }
  return architecture;
};

/** The architecture that a configuration in memory belongs to. */
export const architectureOf = (config: ModelConfig): Architecture =>
  findArchitecture({ model_type: config.architecture }, config.architecture);
