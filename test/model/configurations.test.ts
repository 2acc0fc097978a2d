import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import {
  gpt2ConfigToJson,
  gptNeoxConfigToJson,
  llamaConfigToJson,
  parseGpt2Config,
  parseGptNeoxConfig,
  parseLlamaConfig,
  parseMistralConfig,
  parseQwen2Config,
  parseT5Config,
  t5ConfigToJson,
} from '../../src/model/index.js';

const gpt2 = { model_type: 'gpt2', n_embd: 48, n_head: 4, n_layer: 3, vocab_size: 96 };
const t5 = {
  model_type: 't5',
  d_model: 48,
  d_kv: 16,
  d_ff: 80,
  num_heads: 4,
  num_layers: 3,
  vocab_size: 112,
};

const llama = {
  hidden_size: 64,
  intermediate_size: 96,
  num_attention_heads: 32,
  num_hidden_layers: 2,
  vocab_size: 100,
};
const neox = { ...llama, num_attention_heads: 2 };

describe('parseLlamaConfig and its kin', () => {
  it('should fill in what is absent as Hugging Face does for each', () => {
    expect(parseLlamaConfig(llama, 'config.json')).toMatchObject({ keyValueHeads: 32, maxPositions: 2048 });
    expect(parseMistralConfig(llama, 'config.json')).toMatchObject({
      architecture: 'mistral',
      keyValueHeads: 8,
      maxPositions: 131072,
      slidingWindow: 4096,
    });
    expect(parseQwen2Config(llama, 'config.json')).toMatchObject({
      architecture: 'qwen2',
      keyValueHeads: 32,
      maxPositions: 32768,
      queryKeyValueBias: true,
    });
    // null is not absent.
    const none = parseMistralConfig({ ...llama, sliding_window: null, num_key_value_heads: null }, 'c');
    expect(none).toMatchObject({ keyValueHeads: 32 });
    expect(none).not.toHaveProperty('slidingWindow');
  });

  it.each([
    ['llama', parseLlamaConfig, {}],
    ['mistral', parseMistralConfig, { sliding_window: 7 }],
    ['mistral without a window', parseMistralConfig, { sliding_window: null }],
    ['qwen2', parseQwen2Config, { rope_theta: 1e6 }],
  ])('should come back from the JSON of %s', (_, parse, changes) => {
    const config = parse({ ...llama, ...changes }, 'config.json');
    expect(parse(llamaConfigToJson(config, 'F32'), 'config.json')).toEqual(config);
  });

  it('should read what transformers 5 writes', () => {
    const v5 = {
      ...llama,
      rope_parameters: { rope_type: 'linear', rope_theta: 5e5, factor: 2 },
      layer_types: ['full_attention', 'full_attention'],
      dtype: 'bfloat16',
    };
    expect(parseQwen2Config(v5, 'config.json')).toMatchObject({
      ropeTheta: 5e5,
      ropeScaling: { type: 'linear', factor: 2 },
    });
  });

  it.each([
    ['a window of some layers', parseQwen2Config, { use_sliding_window: true }, /use_sliding_window: true/],
    [
      'layers that see less',
      parseLlamaConfig,
      { layer_types: ['full_attention', 'sliding_attention'] },
      /layer_types/,
    ],
    [
      'layers that see more',
      parseMistralConfig,
      { layer_types: ['full_attention'] },
      /"sliding_attention" for every/,
    ],
    [
      'a part of each head turned',
      parseLlamaConfig,
      { partial_rotary_factor: 0.5 },
      /partial_rotary_factor: 0.5/,
    ],
    ['biases', parseMistralConfig, { attention_bias: true }, /attention_bias: true/],
    ['a window of nothing', parseMistralConfig, { sliding_window: 0 }, /sliding_window is 0/],
    [
      'another scaling, where transformers 5 puts it',
      parseQwen2Config,
      { rope_parameters: { rope_type: 'yarn', factor: 4 } },
      /rope_parameters of type "yarn"/,
    ],
  ])('should refuse %s by name', (_, parse, changes, message) => {
    const run = () => parse({ ...llama, ...changes }, 'config.json');
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});

describe('parseGptNeoxConfig', () => {
  it('should fill in what is absent as Hugging Face does', () => {
    const config = parseGptNeoxConfig(neox, 'config.json');
    expect(config).toMatchObject({
      rotaryShare: 0.25,
      ropeTheta: 10000,
      parallelResidual: true,
      activation: 'gelu',
      layerNormEpsilon: 1e-5,
      tied: false,
      maxPositions: 2048,
    });
    const other = { ...neox, rotary_pct: 1, use_parallel_residual: false, hidden_act: 'gelu_fast' };
    for (const each of [config, parseGptNeoxConfig(other, 'config.json')]) {
      expect(parseGptNeoxConfig(gptNeoxConfigToJson(each, 'F16'), 'config.json')).toEqual(each);
    }
    const v5 = {
      ...neox,
      rope_parameters: { rope_type: 'default', rope_theta: 500, partial_rotary_factor: 0.5 },
    };
    expect(parseGptNeoxConfig(v5, 'config.json')).toMatchObject({ ropeTheta: 500, rotaryShare: 0.5 });
  });

  it.each([
    ['another activation', { hidden_act: 'relu' }, /hidden_act: "relu"/],
    ['no biases', { attention_bias: false }, /attention_bias: false/],
    [
      'an odd number of turned dimensions',
      { rotary_pct: 0.1 },
      /rotary_pct is 0.1; a share that turns an even/,
    ],
    ['more than a head turned', { rotary_pct: 1.5 }, /1.5 of a head/],
    ['heads that do not divide', { num_attention_heads: 3 }, /num_attention_heads is 3/],
  ])('should refuse %s by name', (_, changes, message) => {
    const parse = () => parseGptNeoxConfig({ ...neox, ...changes }, 'config.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
  });
});

describe('parseGpt2Config', () => {
  it('should fill in what old checkpoints leave out, as Hugging Face does', () => {
    const config = parseGpt2Config({ ...gpt2, n_inner: null, eos_token_id: 1 }, 'config.json');
    expect(config).toMatchObject({
      intermediateSize: 192,
      maxPositions: 1024,
      layerNormEpsilon: 1e-5,
      tied: true,
      eosTokenIds: [1],
      padTokenId: undefined,
    });
    expect(parseGpt2Config(gpt2ConfigToJson(config, 'F16'), 'config.json')).toEqual(config);
  });

  it.each([
    ['another activation', { activation_function: 'gelu' }, /activation_function: "gelu"/],
    ['scores scaled by layer', { scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx/],
    ['scores not scaled', { scale_attn_weights: false }, /scale_attn_weights: false/],
    ['cross-attention', { add_cross_attention: true }, /add_cross_attention: true/],
    ['heads that do not divide', { n_head: 5 }, /n_head is 5; a divisor of n_embd 48/],
    ['a missing size', { n_layer: undefined }, /n_layer is nothing/],
  ])('should refuse %s by name', (_, changes, message) => {
    const parse = () => parseGpt2Config({ ...gpt2, ...changes }, 'config.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
  });
});

describe('parseT5Config', () => {
  it('should fill in what old checkpoints leave out, as Hugging Face does', () => {
    const config = parseT5Config({ ...t5, pad_token_id: 0 }, 'config.json');
    expect(config).toMatchObject({
      encoderLayers: 3,
      layers: 3,
      relativeBuckets: 32,
      relativeMaxDistance: 128,
      feedForward: 'relu',
      rmsNormEpsilon: 1e-6,
      tied: true,
      decoderStartTokenId: 0,
    });
    expect(parseT5Config(t5ConfigToJson(config, 'F32'), 'config.json')).toEqual(config);
    const newer = { feed_forward_proj: 'gated-gelu', dense_act_fn: 'gelu_new', num_decoder_layers: 2 };
    const v11 = parseT5Config({ ...t5, ...newer, tie_word_embeddings: false }, 'config.json');
    expect(v11).toMatchObject({ feedForward: 'gated-gelu', layers: 2, encoderLayers: 3, tied: false });
    // transformers 5 calls every T5 tied, and says in another place what the checkpoint had said.
    const v5 = { ...t5, ...newer, tie_word_embeddings: true, scale_decoder_outputs: false };
    expect(parseT5Config(v5, 'config.json').tied).toBe(false);
  });

  it.each([
    ['another feed-forward', { feed_forward_proj: 'gated-silu' }, /feed_forward_proj: "gated-silu"/],
    ['an activation that is not its own', { dense_act_fn: 'gelu_new' }, /dense_act_fn is "gelu_new"/],
    ['an encoder alone', { is_encoder_decoder: false }, /is_encoder_decoder: false/],
    ['too few buckets', { relative_attention_num_buckets: 2 }, /relative_attention_num_buckets is 2; 4 or/],
    ['too near a distance', { relative_attention_max_distance: 16 }, /max_distance is 16; more than half/],
    ['a missing size', { d_kv: null }, /d_kv is null/],
  ])('should refuse %s by name', (_, changes, message) => {
    const parse = () => parseT5Config({ ...t5, ...changes }, 'config.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
  });
});
