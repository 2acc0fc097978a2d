/** The part of a Hugging Face GPT-NeoX (Pythia) configuration that changes what is computed. */
import {
  type CommonConfig,
  checkSupported,
  commonConfigToJson,
  fieldReader,
  type Json,
  type OnlySupported,
} from './config-fields.js';
import { parseRotary, type RotaryScaling, scalingToJson } from './rotary-config.js';

export interface GptNeoxConfig extends CommonConfig {
  readonly architecture: 'gpt_neox';
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Share of each head's dimensions that positions turn: those from 0 on. */
  readonly rotaryShare: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RotaryScaling;
  /** Whether attention and feed-forward both read the block's input, or one after the other. */
  readonly parallelResidual: boolean;
  /** `gelu` is exact, `gelu_new` the tanh formula. */
  readonly activation: 'gelu' | 'gelu_new';
  readonly layerNormEpsilon: number;
  readonly initializerRange: number;
}

const onlySupported: OnlySupported = [
  ['hidden_act', ['gelu', 'gelu_new', 'gelu_fast', 'gelu_pytorch_tanh']],
  ['attention_bias', [true]],
  ['quantization_config', []],
];

/** Dimensions of a head that are turned: Hugging Face rounds down. */
export const gptNeoxRotaryDim = ({
  hiddenSize,
  heads,
  rotaryShare,
}: Pick<GptNeoxConfig, 'hiddenSize' | 'heads' | 'rotaryShare'>): number =>
  Math.floor((hiddenSize / heads) * rotaryShare);

/**
 * Reads a `config.json` of `model_type: gpt_neox`.
 *
 * @throws InputError naming the option that is missing, malformed or unsupported
 */
export const parseGptNeoxConfig = (json: Json, file: string): GptNeoxConfig => {
  const { positive, size, tokenId, tokenIds, flag, fault } = fieldReader(json, file);
  checkSupported(json, file, onlySupported);
  const hiddenSize = size('hidden_size');
  const heads = size('num_attention_heads');
  if (hiddenSize % heads !== 0) throw fault('num_attention_heads', `a divisor of hidden_size ${hiddenSize}`);
  const rope = parseRotary(json, file, {
    thetaKey: 'rotary_emb_base',
    shareKey: 'rotary_pct',
    defaultShare: 0.25,
  });
  const rotaryDim = gptNeoxRotaryDim({ hiddenSize, heads, rotaryShare: rope.share });
  if (rotaryDim < 2 || rotaryDim % 2 !== 0) {
    throw fault('rotary_pct', `a share that turns an even number of ${hiddenSize / heads} dimensions`);
  }
  return {
    architecture: 'gpt_neox',
    hiddenSize,
    intermediateSize: size('intermediate_size'),
    layers: size('num_hidden_layers'),
    heads,
    rotaryShare: rope.share,
    ropeTheta: rope.ropeTheta,
    ropeScaling: rope.ropeScaling,
    parallelResidual: flag('use_parallel_residual', true),
    activation: (json['hidden_act'] ?? 'gelu') === 'gelu' ? 'gelu' : 'gelu_new',
    vocabularySize: size('vocab_size'),
    maxPositions: size('max_position_embeddings', 2048),
    layerNormEpsilon: positive('layer_norm_eps', 1e-5),
    tied: flag('tie_word_embeddings', false),
    initializerRange: positive('initializer_range', 0.02),
    bosTokenId: tokenId('bos_token_id'),
    eosTokenIds: tokenIds('eos_token_id'),
    padTokenId: tokenId('pad_token_id'),
  };
};

/** The configuration as Hugging Face writes it. */
export const gptNeoxConfigToJson = (config: GptNeoxConfig, storedDtype: 'F32' | 'F16'): Json => ({
  architectures: ['GPTNeoXForCausalLM'],
  model_type: 'gpt_neox',
  hidden_size: config.hiddenSize,
  intermediate_size: config.intermediateSize,
  num_hidden_layers: config.layers,
  num_attention_heads: config.heads,
  vocab_size: config.vocabularySize,
  max_position_embeddings: config.maxPositions,
  rotary_pct: config.rotaryShare,
  rotary_emb_base: config.ropeTheta,
  rope_scaling: scalingToJson(config.ropeScaling),
  use_parallel_residual: config.parallelResidual,
  hidden_act: config.activation,
  attention_bias: true,
  attention_dropout: 0,
  hidden_dropout: 0,
  layer_norm_eps: config.layerNormEpsilon,
  initializer_range: config.initializerRange,
  ...commonConfigToJson(config, storedDtype),
});
