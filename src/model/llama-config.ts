/** The part of Hugging Face configurations of Llama and its kin (Mistral, Qwen2) that changes what is computed. */
import {
  type CommonConfig,
  checkSupported,
  commonConfigToJson,
  fieldReader,
  type Json,
  type OnlySupported,
} from './config-fields.js';
import { parseRotary, type RotaryScaling, scalingToJson } from './rotary-config.js';

export interface LlamaConfig extends CommonConfig {
  readonly architecture: 'llama' | 'mistral' | 'qwen2';
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  /** heads·headDim need not be `hiddenSize`. */
  readonly headDim: number;
  readonly rmsNormEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RotaryScaling;
  readonly initializerRange: number;
  /** Mistral: positions that a query sees, its own included. Absent: all up to its own. */
  readonly slidingWindow?: number;
  /** Qwen2: whether queries, keys and values have biases. Absent: no. */
  readonly queryKeyValueBias?: boolean;
}

const shared: OnlySupported = [
  ['hidden_act', ['silu', 'swish']],
  ['attention_bias', [false]],
  ['mlp_bias', [false]],
  ['quantization_config', []],
];

/** What one model type of this kin has of its own; the defaults are what Hugging Face takes for an absent key. */
interface Kind {
  readonly className: string;
  readonly onlySupported: OnlySupported;
  readonly maxPositions: number;
  readonly keyValueHeads: ((heads: number) => number) | number;
  readonly hasWindow: boolean;
  readonly hasBias: boolean;
}

const kinds: Readonly<Record<LlamaConfig['architecture'], Kind>> = {
  llama: {
    className: 'LlamaForCausalLM',
    onlySupported: shared,
    maxPositions: 2048,
    keyValueHeads: (heads) => heads,
    hasWindow: false,
    hasBias: false,
  },
  mistral: {
    className: 'MistralForCausalLM',
    onlySupported: shared,
    maxPositions: 131072,
    keyValueHeads: 8,
    hasWindow: true,
    hasBias: false,
  },
  qwen2: {
    className: 'Qwen2ForCausalLM',
    onlySupported: [...shared, ['use_sliding_window', [false]], ['use_mrope', [false]]],
    maxPositions: 32768,
    keyValueHeads: 32,
    hasWindow: false,
    hasBias: true,
  },
};

/** Newer configurations say of each layer how far it sees; all layers must see as far as is computed here. */
const checkLayerTypes = (json: Json, fault: (key: string, wanted: string) => Error, wanted: string): void => {
  const types = json['layer_types'] ?? undefined;
  if (types === undefined) return;
  if (!Array.isArray(types) || types.some((type) => type !== wanted)) {
    throw fault('layer_types', `"${wanted}" for every layer`);
  }
};

const parse = (architecture: LlamaConfig['architecture'], json: Json, file: string): LlamaConfig => {
  const kind = kinds[architecture];
  const { positive, size, tokenId, tokenIds, flag, fault } = fieldReader(json, file);
  checkSupported(json, file, kind.onlySupported);
  const hiddenSize = size('hidden_size');
  const heads = size('num_attention_heads');
  const absent = typeof kind.keyValueHeads === 'number' ? kind.keyValueHeads : kind.keyValueHeads(heads);
  const keyValueHeads = size('num_key_value_heads', json['num_key_value_heads'] === null ? heads : absent);
  if (heads % keyValueHeads !== 0) throw fault('num_key_value_heads', `a divisor of ${heads} heads`);
  const headDim = size('head_dim', hiddenSize / heads);
  if (headDim % 2 !== 0) throw fault('head_dim', 'an even number');
  const { ropeTheta, ropeScaling } = parseRotary(json, file, { thetaKey: 'rope_theta' });
  // An absent window is Hugging Face's default, null none at all.
  const slidingWindow =
    kind.hasWindow && json['sliding_window'] !== null ? size('sliding_window', 4096) : undefined;
  checkLayerTypes(json, fault, slidingWindow === undefined ? 'full_attention' : 'sliding_attention');
  return {
    architecture,
    hiddenSize,
    intermediateSize: size('intermediate_size'),
    layers: size('num_hidden_layers'),
    heads,
    keyValueHeads,
    headDim,
    vocabularySize: size('vocab_size'),
    maxPositions: size('max_position_embeddings', kind.maxPositions),
    rmsNormEpsilon: positive('rms_norm_eps', 1e-6),
    ropeTheta,
    ropeScaling,
    tied: flag('tie_word_embeddings', false),
    initializerRange: positive('initializer_range', 0.02),
    bosTokenId: tokenId('bos_token_id'),
    eosTokenIds: tokenIds('eos_token_id'),
    padTokenId: tokenId('pad_token_id'),
    ...(slidingWindow === undefined ? {} : { slidingWindow }),
    ...(kind.hasBias ? { queryKeyValueBias: true } : {}),
  };
};

/**
 * Reads a `config.json` of `model_type: llama`. Keys that Llama does not read are ignored, as Hugging Face does.
 *
 * @throws InputError naming the option that is missing, malformed or unsupported
 */
export const parseLlamaConfig = (json: Json, file: string): LlamaConfig => parse('llama', json, file);

/** As `parseLlamaConfig`, for `model_type: mistral`. */
export const parseMistralConfig = (json: Json, file: string): LlamaConfig => parse('mistral', json, file);

/** As `parseLlamaConfig`, for `model_type: qwen2`. */
export const parseQwen2Config = (json: Json, file: string): LlamaConfig => parse('qwen2', json, file);

/** The configuration as Hugging Face writes it. */
export const llamaConfigToJson = (config: LlamaConfig, storedDtype: 'F32' | 'F16'): Json => {
  const kind = kinds[config.architecture];
  const own: Json =
    config.architecture === 'llama'
      ? { attention_bias: false, mlp_bias: false }
      : kind.hasWindow
        ? { sliding_window: config.slidingWindow ?? null }
        : { use_sliding_window: false };
  return {
    architectures: [kind.className],
    model_type: config.architecture,
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
    attention_dropout: 0,
    ...own,
    initializer_range: config.initializerRange,
    ...commonConfigToJson(config, storedDtype),
  };
};
