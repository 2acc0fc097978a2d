/** The part of a Hugging Face Llama configuration that changes what is computed. */
import { InputError } from '../base/index.js';

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

export interface LlamaConfig {
  readonly architecture: 'llama';
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly rmsNormEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RotaryScaling;
  readonly tied: boolean;
  readonly initializerRange: number;
  readonly bosTokenId: number | undefined;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | undefined;
}

type Json = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads typed fields of a JSON object; a wrong type is an InputError that names the field and the file. */
const fieldReader = (json: Json, file: string, prefix = '') => {
  const fault = (key: string, wanted: string): InputError =>
    new InputError(`${prefix}${key} is ${JSON.stringify(json[key])}; ${wanted} was expected`, {
      where: { file },
    });
  const positive = (key: string, fallback?: number): number => {
    const value = json[key] ?? fallback;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    throw fault(key, 'a positive number');
  };
  const size = (key: string, fallback?: number): number => {
    const value = positive(key, fallback);
    if (Number.isSafeInteger(value)) return value;
    throw fault(key, 'a whole number above 0');
  };
  const tokenId = (key: string): number | undefined => {
    const value = json[key] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value < 0 ? undefined : value;
    throw fault(key, 'a token id');
  };
  return { fault, positive, size, tokenId };
};

/** Options whose other values change the maths: what this implementation computes. */
const onlySupported: readonly (readonly [key: string, values: readonly unknown[]])[] = [
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
  const { positive, size, tokenId, fault } = fieldReader(json, file);
  for (const [key, values] of onlySupported) {
    const value = json[key] ?? undefined;
    if (value !== undefined && !values.includes(value)) {
      throw new InputError(`the option ${key}: ${JSON.stringify(value)} is not supported`, {
        where: { file },
        hint: values.length > 0 ? `supported: ${values.join(', ')}` : 'save the model without it',
      });
    }
  }
  const hiddenSize = size('hidden_size');
  const heads = size('num_attention_heads');
  const keyValueHeads = size('num_key_value_heads', heads);
  if (heads % keyValueHeads !== 0) throw fault('num_key_value_heads', `a divisor of ${heads} heads`);
  const headDim = size('head_dim', hiddenSize / heads);
  if (headDim % 2 !== 0) throw fault('head_dim', 'an even number');
  const tied = json['tie_word_embeddings'] ?? false;
  if (typeof tied !== 'boolean') throw fault('tie_word_embeddings', 'true or false');
  // transformers 5 writes rope_parameters {rope_type, rope_theta, …} in place of rope_theta and rope_scaling.
  const ropeKey = isJsonObject(json['rope_parameters']) ? 'rope_parameters' : 'rope_scaling';
  const rope = json[ropeKey];
  const ropeTheta =
    isJsonObject(rope) && rope['rope_theta'] !== undefined
      ? fieldReader(rope, file, `${ropeKey}.`).positive('rope_theta')
      : positive('rope_theta', 10000);
  const eos = json['eos_token_id'] ?? [];
  const eosTokenIds: unknown[] = Array.isArray(eos) ? eos : [eos];
  if (!eosTokenIds.every((id): id is number => Number.isSafeInteger(id))) {
    throw fault('eos_token_id', 'a token id or a list of them');
  }
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
    tied,
    initializerRange: positive('initializer_range', 0.02),
    bosTokenId: tokenId('bos_token_id'),
    eosTokenIds,
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
  const [firstEos] = config.eosTokenIds;
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
    tie_word_embeddings: config.tied,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: config.eosTokenIds.length > 1 ? config.eosTokenIds : (firstEos ?? null),
    pad_token_id: config.padTokenId ?? null,
    torch_dtype: storedDtype === 'F16' ? 'float16' : 'float32',
    use_cache: true,
  };
};
