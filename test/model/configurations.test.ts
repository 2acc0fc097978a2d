import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { gpt2ConfigToJson, parseGpt2Config, parseT5Config, t5ConfigToJson } from '../../src/model/index.js';

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
    ['a missing size', { n_layer: undefined }, /n_layer is undefined/],
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
