/** The part of a Hugging Face T5 configuration that changes what is computed. */
import {
  type CommonConfig,
  checkSupported,
  commonConfigToJson,
  fieldReader,
  type Json,
  type OnlySupported,
} from './config-fields.js';

export interface T5Config extends CommonConfig {
  readonly architecture: 't5';
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Blocks of the decoder. */
  readonly layers: number;
  readonly encoderLayers: number;
  readonly heads: number;
  /** heads·headDim need not be `hiddenSize`. */
  readonly headDim: number;
  readonly relativeBuckets: number;
  readonly relativeMaxDistance: number;
  /** `relu` is T5 v1.0, `gated-gelu` v1.1. */
  readonly feedForward: 'relu' | 'gated-gelu';
  readonly rmsNormEpsilon: number;
  readonly initializerFactor: number;
  readonly decoderStartTokenId: number;
}

const onlySupported: OnlySupported = [
  ['feed_forward_proj', ['relu', 'gated-gelu']],
  ['dense_act_fn', ['relu', 'gelu_new']],
  ['is_encoder_decoder', [true]],
  ['quantization_config', []],
];

/**
 * Reads a `config.json` of `model_type: t5`. T5 has no limit of positions: they enter by their differences alone.
 *
 * @throws InputError naming the option that is missing, malformed or unsupported
 */
export const parseT5Config = (json: Json, file: string): T5Config => {
  const { positive, size, tokenId, tokenIds, flag, fault } = fieldReader(json, file);
  checkSupported(json, file, onlySupported);
  const feedForward = json['feed_forward_proj'] === 'gated-gelu' ? 'gated-gelu' : 'relu';
  const activation = json['dense_act_fn'] ?? undefined;
  if (activation !== undefined && (activation === 'relu') !== (feedForward === 'relu')) {
    throw fault('dense_act_fn', `what feed_forward_proj ${feedForward} says`);
  }
  const encoderLayers = size('num_layers');
  const relativeBuckets = size('relative_attention_num_buckets', 32);
  const relativeMaxDistance = size('relative_attention_max_distance', 128);
  if (relativeBuckets < 4) throw fault('relative_attention_num_buckets', '4 or more');
  if (relativeMaxDistance <= relativeBuckets / 2) {
    throw fault('relative_attention_max_distance', `more than half of ${relativeBuckets} buckets`);
  }
  const padTokenId = tokenId('pad_token_id') ?? 0;
  return {
    architecture: 't5',
    hiddenSize: size('d_model'),
    intermediateSize: size('d_ff'),
    layers: size('num_decoder_layers', encoderLayers),
    encoderLayers,
    heads: size('num_heads'),
    headDim: size('d_kv'),
    relativeBuckets,
    relativeMaxDistance,
    feedForward,
    vocabularySize: size('vocab_size'),
    maxPositions: Number.MAX_SAFE_INTEGER,
    rmsNormEpsilon: positive('layer_norm_epsilon', 1e-6),
    // transformers 5 ties every T5 by name, and keeps what the checkpoint said in scale_decoder_outputs.
    tied: flag('scale_decoder_outputs', flag('tie_word_embeddings', true)),
    initializerFactor: positive('initializer_factor', 1),
    bosTokenId: tokenId('bos_token_id'),
    eosTokenIds: tokenIds('eos_token_id'),
    padTokenId,
    decoderStartTokenId: tokenId('decoder_start_token_id') ?? padTokenId,
  };
};

/** The configuration as Hugging Face writes it. */
export const t5ConfigToJson = (config: T5Config, storedDtype: 'F32' | 'F16'): Json => ({
  architectures: ['T5ForConditionalGeneration'],
  model_type: 't5',
  is_encoder_decoder: true,
  d_model: config.hiddenSize,
  d_ff: config.intermediateSize,
  d_kv: config.headDim,
  num_heads: config.heads,
  num_layers: config.encoderLayers,
  num_decoder_layers: config.layers,
  vocab_size: config.vocabularySize,
  relative_attention_num_buckets: config.relativeBuckets,
  relative_attention_max_distance: config.relativeMaxDistance,
  feed_forward_proj: config.feedForward,
  layer_norm_epsilon: config.rmsNormEpsilon,
  dropout_rate: 0,
  initializer_factor: config.initializerFactor,
  decoder_start_token_id: config.decoderStartTokenId,
  ...commonConfigToJson(config, storedDtype),
});
