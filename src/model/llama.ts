/**
 * The Llama decoder: RMSNorm, RoPE, grouped-query attention, SwiGLU; Mistral's, which has a sliding window, and Qwen2's,
 * which has biases on queries, keys and values. Parameter names are Hugging Face's.
 */
import { attentionBlock, embeddingLookup, gatedFeedForward, linear, rmsNorm, tf } from '../engine/index.js';
import { buildDecoder, type DecoderPass } from './decoder-only.js';
import type { LanguageModel } from './language-model.js';
import type { LlamaConfig } from './llama-config.js';
import { createRotation } from './rotation.js';
import {
  copyVariables,
  type InitialValues,
  initialVariables,
  parameterFinder,
  type Variables,
} from './variables.js';

const embeddingName = 'model.embed_tokens.weight';
const unembeddingName = 'lm_head.weight';
const finalNormName = 'model.norm.weight';
const layerPrefix = (layer: number): string => `model.layers.${layer}.`;

/** Name and shape of every parameter, in the order in which they are stored. */
export const llamaParameterShapes = (config: LlamaConfig): Map<string, readonly number[]> => {
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headDim } = config;
  const shapes = new Map<string, readonly number[]>();
  shapes.set(embeddingName, [config.vocabularySize, hiddenSize]);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer);
    shapes.set(`${prefix}input_layernorm.weight`, [hiddenSize]);
    shapes.set(`${prefix}self_attn.q_proj.weight`, [heads * headDim, hiddenSize]);
    shapes.set(`${prefix}self_attn.k_proj.weight`, [keyValueHeads * headDim, hiddenSize]);
    shapes.set(`${prefix}self_attn.v_proj.weight`, [keyValueHeads * headDim, hiddenSize]);
    if (config.queryKeyValueBias) {
      shapes.set(`${prefix}self_attn.q_proj.bias`, [heads * headDim]);
      shapes.set(`${prefix}self_attn.k_proj.bias`, [keyValueHeads * headDim]);
      shapes.set(`${prefix}self_attn.v_proj.bias`, [keyValueHeads * headDim]);
    }
    shapes.set(`${prefix}self_attn.o_proj.weight`, [hiddenSize, heads * headDim]);
    shapes.set(`${prefix}post_attention_layernorm.weight`, [hiddenSize]);
    shapes.set(`${prefix}mlp.gate_proj.weight`, [intermediateSize, hiddenSize]);
    shapes.set(`${prefix}mlp.up_proj.weight`, [intermediateSize, hiddenSize]);
    shapes.set(`${prefix}mlp.down_proj.weight`, [hiddenSize, intermediateSize]);
  }
  shapes.set(finalNormName, [hiddenSize]);
  if (!config.tied) shapes.set(unembeddingName, [config.vocabularySize, hiddenSize]);
  return shapes;
};

const parameterNames = {
  inputNorm: 'input_layernorm.weight',
  query: 'self_attn.q_proj.weight',
  key: 'self_attn.k_proj.weight',
  value: 'self_attn.v_proj.weight',
  attentionOutput: 'self_attn.o_proj.weight',
  feedForwardNorm: 'post_attention_layernorm.weight',
  gate: 'mlp.gate_proj.weight',
  up: 'mlp.up_proj.weight',
  down: 'mlp.down_proj.weight',
} as const;

const biasNames = {
  query: 'self_attn.q_proj.bias',
  key: 'self_attn.k_proj.bias',
  value: 'self_attn.v_proj.bias',
} as const;

/** A model over these parameters, which it then owns: one of each name in `llamaParameterShapes`. */
export const buildLlama = (config: LlamaConfig, variables: Variables): LanguageModel => {
  const { headDim, heads, keyValueHeads, rmsNormEpsilon, slidingWindow, queryKeyValueBias = false } = config;
  const { matrix, vector } = parameterFinder(variables);
  const rotation = createRotation({ ...config, rotaryDim: headDim });

  const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D => rmsNorm(x, vector(name), rmsNormEpsilon);

  const attention = (
    residual: tf.Tensor2D,
    layer: number,
    { positions, reach, attend, shape }: DecoderPass,
  ): tf.Tensor2D => {
    const prefix = layerPrefix(layer);
    const weight = (name: keyof typeof parameterNames): tf.Tensor2D => matrix(prefix + parameterNames[name]);
    if (shape !== undefined && !queryKeyValueBias && slidingWindow === undefined) {
      const weights = {
        gain: vector(prefix + parameterNames.inputNorm),
        query: weight('query'),
        key: weight('key'),
        value: weight('value'),
        output: weight('attentionOutput'),
      };
      const tables = rotation.tables(reach);
      return attentionBlock(residual, weights, { shape, epsilon: rmsNormEpsilon, ...tables, positions });
    }
    const project = (x: tf.Tensor2D, name: keyof typeof parameterNames): tf.Tensor2D =>
      linear(x, weight(name));
    const attentionInput = norm(residual, prefix + parameterNames.inputNorm);
    const attentionPart = (name: keyof typeof biasNames): tf.Tensor2D => {
      const mapped = project(attentionInput, name);
      return queryKeyValueBias ? tf.add(mapped, vector(prefix + biasNames[name])) : mapped;
    };
    const attended = attend(
      layer,
      rotation.turn(attentionPart('query'), positions, reach),
      rotation.turn(attentionPart('key'), positions, reach),
      attentionPart('value'),
    );
    return tf.add(residual, project(attended, 'attentionOutput')) as tf.Tensor2D;
  };

  const block = (residual: tf.Tensor2D, layer: number, pass: DecoderPass): tf.Tensor2D => {
    const prefix = layerPrefix(layer);
    const weights = {
      gain: vector(prefix + parameterNames.feedForwardNorm),
      gate: matrix(prefix + parameterNames.gate),
      up: matrix(prefix + parameterNames.up),
      down: matrix(prefix + parameterNames.down),
    };
    return gatedFeedForward(attention(residual, layer, pass), weights, rmsNormEpsilon);
  };

  return buildDecoder({
    config,
    variables,
    heads: {
      heads,
      keyValueHeads,
      headDim,
      ...(slidingWindow === undefined ? {} : { window: slidingWindow }),
    },
    embeddingName,
    unembeddingName,
    embed: (ids) => embeddingLookup(matrix(embeddingName), ids),
    block,
    finalNorm: (residual) => norm(residual, finalNormName),
    matrix,
    clone: () => buildLlama(config, copyVariables(variables)),
    release: rotation.dispose,
  });
};

/**
 * How fresh parameters are filled: weights normal with sd `initializerRange`, those that write into the residual stream
 * smaller by √(2·layers) (GPT-2), gains 1, biases 0.
 */
export const llamaInitialValues =
  ({ initializerRange, layers }: LlamaConfig) =>
  (name: string, shape: readonly number[]): InitialValues => {
    if (shape.length === 1) return { mean: name.endsWith('.bias') ? 0 : 1, sd: 0 };
    const writesResidual =
      name.endsWith(parameterNames.attentionOutput) || name.endsWith(parameterNames.down);
    return { mean: 0, sd: initializerRange / (writesResidual ? Math.sqrt(2 * layers) : 1) };
  };

/** A freshly initialised model. Equal seeds give equal weights. */
export const createLlama = (config: LlamaConfig, seed: number): LanguageModel =>
  buildLlama(config, initialVariables(llamaParameterShapes(config), llamaInitialValues(config), seed));
