/** The part of a Hugging Face Llama configuration that changes what is computed. */
import { InputError } from '../base/index.js';
import {
  type CommonConfig,
  checkSupported,
  commonConfigToJson,
  fieldReader,
  isJsonObject,
  type Json,
  type OnlySupported,
} from './config-fields.js';

export type RotaryScaling =
  | { readonly type: 'none' }
  /** Every frequency divided by `factor`. */
  | { readonly type: 'linear'; readonly factor: number }
  /** Low frequencies divided, high ones kept, smoothly between (Llama 3.1). */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    };

export interface LlamaConfig extends CommonConfig {
  readonly architecture: 'llama';
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly rmsNormEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RotaryScaling;
  readonly initializerRange: number;
}

const onlySupported: OnlySupported = [
  ['hidden_act', ['silu', 'swish']],
  ['attention_bias', [false]],
  ['mlp_bias', [false]],
  ['partial_rotary_factor', [1]],
  ['quantization_config', []],
];

const parseRotaryScaling = (raw: unknown, key: string, file: string): RotaryScaling => {
  if (raw === undefined || raw === null) return { type: 'none' };
  if (!isJsonObject(raw)) throw new InputError(`${key} is not an object`, { where: { file } });
  const { positive, size, fault } = fieldReader(raw, file, `${key}.`);
  const type = raw['rope_type'] ?? raw['type'] ?? 'default';
  if (type === 'default') return { type: 'none' };
  if (type === 'linear') return { type, factor: positive('factor') };
  if (type === 'llama3') {
    const lowFrequencyFactor = positive('low_freq_factor');
    const highFrequencyFactor = positive('high_freq_factor');
    if (highFrequencyFactor <= lowFrequencyFactor)
      throw fault('high_freq_factor', 'more than low_freq_factor');
    return {
      type,
      factor: positive('factor'),
      lowFrequencyFactor,
      highFrequencyFactor,
      originalPositions: size('original_max_position_embeddings'),
    };
  }
  throw new InputError(`${key} of type ${JSON.stringify(type)} is not supported`, {
    where: { file },
    hint: 'default, linear and llama3 are',
  });
};

/**
 * Reads a `config.json` of `model_type: llama`. Keys that Llama does not read are ignored, as Hugging Face does.
 *
 * @throws InputError naming the option that is missing, malformed or unsupported
 */
export const parseLlamaConfig = (json: Json, file: string): LlamaConfig => {
  const { positive, size, tokenId, tokenIds, flag, fault } = fieldReader(json, file);
  checkSupported(json, file, onlySupported);
  const hiddenSize = size('hidden_size');
  const heads = size('num_attention_heads');
  const keyValueHeads = size('num_key_value_heads', heads);
  if (heads % keyValueHeads !== 0) throw fault('num_key_value_heads', `a divisor of ${heads} heads`);
  const headDim = size('head_dim', hiddenSize / heads);
  if (headDim % 2 !== 0) throw fault('head_dim', 'an even number');
  // transformers 5 writes rope_parameters {rope_type, rope_theta, …} in place of rope_theta and rope_scaling.
  const ropeKey = isJsonObject(json['rope_parameters']) ? 'rope_parameters' : 'rope_scaling';
  const rope = json[ropeKey];
  const ropeTheta =
    isJsonObject(rope) && rope['rope_theta'] !== undefined
      ? fieldReader(rope, file, `${ropeKey}.`).positive('rope_theta')
      : positive('rope_theta', 10000);
  return {
    architecture: 'llama',
    hiddenSize,
    intermediateSize: size('intermediate_size'),
    layers: size('num_hidden_layers'),
    heads,
    keyValueHeads,
    headDim,
    vocabularySize: size('vocab_size'),
    maxPositions: size('max_position_embeddings', 2048),
    rmsNormEpsilon: positive('rms_norm_eps', 1e-6),
    ropeTheta,
    ropeScaling: parseRotaryScaling(rope, ropeKey, file),
    tied: flag('tie_word_embeddings', false),
    initializerRange: positive('initializer_range', 0.02),
    bosTokenId: tokenId('bos_token_id'),
    eosTokenIds: tokenIds('eos_token_id'),
    padTokenId: tokenId('pad_token_id'),
  };
};

const scalingToJson = (scaling: RotaryScaling): Json | null => {
  if (scaling.type === 'none') return null;
  if (scaling.type === 'linear') return { rope_type: 'linear', type: 'linear', factor: scaling.factor };
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalPositions,
  };
};

/** The configuration as Hugging Face writes it. */
export const llamaConfigToJson = (config: LlamaConfig, storedDtype: 'F32' | 'F16'): Json => {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headDim,
    vocab_size: config.vocabularySize,
    max_position_embeddings: config.maxPositions,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_theta: config.ropeTheta,
    rope_scaling: scalingToJson(config.ropeScaling),
    hidden_act: 'silu',
    attention_bias: false,
    attention_dropout: 0,
    mlp_bias: false,
    initializer_range: config.initializerRange,
    ...commonConfigToJson(config, storedDtype),
  };
};
