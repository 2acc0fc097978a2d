/**
 * The GPT-NeoX decoder (Pythia): LayerNorm with bias, biases everywhere but in the head, RoPE on a part of each head,
 * attention and feed-forward side by side. Parameter names are Hugging Face's.
 */
import { embeddingLookup, gelu, geluNew, layerNorm, linear, tf } from '../engine/index.js';
import { buildDecoder, type DecoderPass } from './decoder-only.js';
import { type GptNeoxConfig, gptNeoxRotaryDim } from './gpt-neox-config.js';
import type { LanguageModel } from './language-model.js';
import { createRotation } from './rotation.js';
import { copyVariables, type InitialValues, parameterFinder, type Variables } from './variables.js';

const embeddingName = 'gpt_neox.embed_in.weight';
const unembeddingName = 'embed_out.weight';
const finalNormName = 'gpt_neox.final_layer_norm';
const layerPrefix = (layer: number): string => `gpt_neox.layers.${layer}.`;

/** Name and shape of every parameter, in the order in which they are stored. Weights of maps are [out, in]. */
export const gptNeoxParameterShapes = (config: GptNeoxConfig): Map<string, readonly number[]> => {
  const { hiddenSize: d, intermediateSize } = config;
  const shapes = new Map<string, readonly number[]>();
  const pair = (name: string, weight: readonly number[], bias: number): void => {
    shapes.set(`${name}.weight`, weight);
    shapes.set(`${name}.bias`, [bias]);
  };
  shapes.set(embeddingName, [config.vocabularySize, d]);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer);
    pair(`${prefix}input_layernorm`, [d], d);
    pair(`${prefix}post_attention_layernorm`, [d], d);
    pair(`${prefix}attention.query_key_value`, [3 * d, d], 3 * d);
    pair(`${prefix}attention.dense`, [d, d], d);
    pair(`${prefix}mlp.dense_h_to_4h`, [intermediateSize, d], intermediateSize);
    pair(`${prefix}mlp.dense_4h_to_h`, [d, intermediateSize], d);
  }
  pair(finalNormName, [d], d);
  if (!config.tied) shapes.set(unembeddingName, [config.vocabularySize, d]);
  return shapes;
};

/** Masks of attention and rotary frequencies that old checkpoints carry as buffers. */
export const isGptNeoxBuffer = (name: string): boolean =>
  /^gpt_neox\.layers\.\d+\.attention\.(?:bias|masked_bias|rotary_emb\.inv_freq)$/.test(name);

/**
 * How fresh parameters are filled: weights normal with sd `initializerRange`, those that write into the residual stream
 * smaller by √(2·layers), gains 1, biases 0.
 */
export const gptNeoxInitialValues =
  ({ initializerRange, layers }: GptNeoxConfig) =>
  (name: string): InitialValues => {
    if (name.endsWith('.bias')) return { mean: 0, sd: 0 };
    if (/layer_?norm\.weight$/.test(name)) return { mean: 1, sd: 0 };
    const writesResidual = /(?:attention\.dense|dense_4h_to_h)\.weight$/.test(name);
    return { mean: 0, sd: initializerRange / (writesResidual ? Math.sqrt(2 * layers) : 1) };
  };

/** A model over these parameters, which it then owns: one of each name in `gptNeoxParameterShapes`. */
export const buildGptNeox = (config: GptNeoxConfig, variables: Variables): LanguageModel => {
  const { heads, hiddenSize, parallelResidual } = config;
  const { matrix, vector } = parameterFinder(variables);
  const headDim = hiddenSize / heads;
  const rotation = createRotation({ ...config, headDim, rotaryDim: gptNeoxRotaryDim(config) });
  const activate = config.activation === 'gelu' ? gelu : geluNew;

  const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D =>
    layerNorm(x, vector(`${name}.weight`), vector(`${name}.bias`), config.layerNormEpsilon);
  const map = (x: tf.Tensor2D, name: string): tf.Tensor2D =>
    tf.add(linear(x, matrix(`${name}.weight`)), vector(`${name}.bias`)) as tf.Tensor2D;

  const attention = (residual: tf.Tensor2D, layer: number, { positions, reach, attend }: DecoderPass) => {
    const prefix = layerPrefix(layer);
    const [rows] = residual.shape;
    const mapped = map(norm(residual, `${prefix}input_layernorm`), `${prefix}attention.query_key_value`);
    // Query, key and value of one head stand side by side, head after head.
    const apart = tf.split(tf.reshape(mapped, [rows * heads, 3 * headDim]), 3, 1);
    const [query, key, value] = apart.map((part) => tf.reshape(part, [rows, hiddenSize])) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    const turn = (x: tf.Tensor2D): tf.Tensor2D => rotation.turn(x, positions, reach);
    return map(attend(layer, turn(query), turn(key), value), `${prefix}attention.dense`);
  };

  const feedForward = (residual: tf.Tensor2D, layer: number): tf.Tensor2D => {
    const prefix = layerPrefix(layer);
    const hidden = map(norm(residual, `${prefix}post_attention_layernorm`), `${prefix}mlp.dense_h_to_4h`);
    return map(activate(hidden), `${prefix}mlp.dense_4h_to_h`);
  };

  return buildDecoder({
    config,
    variables,
    heads: { heads, keyValueHeads: heads, headDim },
    embeddingName,
    unembeddingName,
    embed: (ids) => embeddingLookup(matrix(embeddingName), ids),
    block: (residual, layer, pass) => {
      const afterAttention = tf.add(residual, attention(residual, layer, pass)) as tf.Tensor2D;
      const read = parallelResidual ? residual : afterAttention;
      return tf.add(afterAttention, feedForward(read, layer)) as tf.Tensor2D;
    },
    finalNorm: (residual) => norm(residual, finalNormName),
    matrix,
    clone: () => buildGptNeox(config, copyVariables(variables)),
    release: rotation.dispose,
  });
};
