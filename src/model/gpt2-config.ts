/** The part of a Hugging Face GPT-2 configuration that changes what is computed. */
import {
  type CommonConfig,
  checkSupported,
  commonConfigToJson,
  fieldReader,
  type Json,
  type OnlySupported,
} from './config-fields.js';

export interface Gpt2Config extends CommonConfig {
  readonly architecture: 'gpt2';
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly layerNormEpsilon: number;
  readonly initializerRange: number;
}

const onlySupported: OnlySupported = [
  // Two names of one function.
  ['activation_function', ['gelu_new', 'gelu_pytorch_tanh']],
  ['scale_attn_weights', [true]],
  ['scale_attn_by_inverse_layer_idx', [false]],
  ['add_cross_attention', [false]],
  ['quantization_config', []],
];

/**
 * Reads a `config.json` of `model_type: gpt2`.
 *
 * @throws InputError naming the option that is missing, malformed or unsupported
 */
export const parseGpt2Config = (json: Json, file: string): Gpt2Config => {
  const { positive, size, tokenId, tokenIds, flag, fault } = fieldReader(json, file);
  checkSupported(json, file, onlySupported);
  const hiddenSize = size('n_embd');
  const heads = size('n_head');
  if (hiddenSize % heads !== 0) throw fault('n_head', `a divisor of n_embd ${hiddenSize}`);
  return {
    architecture: 'gpt2',
    hiddenSize,
    intermediateSize: size('n_inner', 4 * hiddenSize),
    layers: size('n_layer'),
    heads,
    vocabularySize: size('vocab_size'),
    maxPositions: size('n_positions', 1024),
    layerNormEpsilon: positive('layer_norm_epsilon', 1e-5),
    tied: flag('tie_word_embeddings', true),
    initializerRange: positive('initializer_range', 0.02),
    bosTokenId: tokenId('bos_token_id'),
    eosTokenIds: tokenIds('eos_token_id'),
    padTokenId: tokenId('pad_token_id'),
  };
};

/** The configuration as Hugging Face writes it. */
export const gpt2ConfigToJson = (config: Gpt2Config, storedDtype: 'F32' | 'F16'): Json => ({
  architectures: ['GPT2LMHeadModel'],
  model_type: 'gpt2',
  n_embd: config.hiddenSize,
  n_inner: config.intermediateSize,
  n_layer: config.layers,
  n_head: config.heads,
  n_positions: config.maxPositions,
  vocab_size: config.vocabularySize,
  layer_norm_epsilon: config.layerNormEpsilon,
  activation_function: 'gelu_new',
  scale_attn_weights: true,
  scale_attn_by_inverse_layer_idx: false,
  attn_pdrop: 0,
  embd_pdrop: 0,
  resid_pdrop: 0,
  initializer_range: config.initializerRange,
  ...commonConfigToJson(config, storedDtype),
});
