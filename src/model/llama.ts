/** The Llama decoder: RMSNorm, RoPE, grouped-query attention, SwiGLU. Parameter names are Hugging Face's. */
import { InputError } from '../base/index.js';
import type { TokenBatch } from '../data/index.js';
import {
  type AttentionShape,
  attentionBlock,
  embeddingLookup,
  gatedFeedForward,
  linear,
  rmsNorm,
  rotary,
  tf,
} from '../engine/index.js';
import { checkDecoderOnlyBatch } from './check-batch.js';
import { type DecodingStart, lastPositions } from './decoding.js';
import { type Attend, createKeyValueCache } from './key-value-cache.js';
import type { ForwardOptions, ForwardResult, LanguageModel } from './language-model.js';
import type { LlamaConfig } from './llama-config.js';
import { rotaryTables } from './rotary-tables.js';
import { tokenPositions } from './token-positions.js';
import { copyVariables, type InitialValues, initialVariables, parameterFinder } from './variables.js';

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

interface Tables {
  readonly positions: number;
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
}

/** Rotary tables as tensors, made when a longer sequence first needs them; old ones live on in open gradients. */
const createTableCache = (config: LlamaConfig) => {
  const made: Tables[] = [];
  return {
    atLeast: (length: number): Tables => {
      const found = made.find(({ positions }) => positions >= length);
      if (found) return found;
      const positions = Math.min(config.maxPositions, 2 ** Math.ceil(Math.log2(Math.max(64, length))));
      const { cos, sin } = rotaryTables(config, positions);
      const shape: [number, number] = [positions, config.headDim / 2];
      const tables = {
        positions,
        cos: tf.keep(tf.tensor2d(cos, shape)),
        sin: tf.keep(tf.tensor2d(sin, shape)),
      };
      made.push(tables);
      return tables;
    },
    dispose: (): void => {
      for (const { cos, sin } of made.splice(0)) tf.dispose([cos, sin]);
    },
  };
};

/** What the blocks of one pass share. */
interface Pass {
  /** [rows]: where each row's token stands in its sequence. */
  readonly positions: tf.Tensor1D;
  /** Positions that need angles: one more than the last. */
  readonly reach: number;
  /** How the pass attends: within its own sequences, or as a cache says. */
  readonly attend: AttentionShape | Attend;
}

/** The number of positions that reach up to the last of these. @throws InputError past the model's own */
const checkReach = (positions: Int32Array, { maxPositions }: LlamaConfig): number => {
  const reach = positions.reduce((most, position) => Math.max(most, position + 1), 0);
  if (reach <= maxPositions) return reach;
  throw new InputError(`a sequence of ${reach} tokens does not fit the model's ${maxPositions} positions`);
};

const oneTokenEach = (ids: Int32Array): TokenBatch => ({
  ids,
  batch: ids.length,
  length: 1,
  lengths: new Int32Array(ids.length).fill(1),
});

/** A model over these parameters, which it then owns: one of each name in `llamaParameterShapes`. */
export const buildLlama = (
  config: LlamaConfig,
  variables: ReadonlyMap<string, tf.Variable>,
): LanguageModel => {
  const { headDim, heads, keyValueHeads, rmsNormEpsilon } = config;
  const { matrix, vector: gain } = parameterFinder(variables);
  const tables = createTableCache(config);

  const attentionHeads = { heads, keyValueHeads, headDim };

  const attention = (residual: tf.Tensor2D, layer: number, pass: Pass): tf.Tensor2D => {
    const { positions, reach, attend } = pass;
    const prefix = layerPrefix(layer);
    const weight = (name: keyof typeof parameterNames): tf.Tensor2D => matrix(prefix + parameterNames[name]);
    const { cos, sin } = tables.atLeast(reach);
    const normGain = gain(prefix + parameterNames.inputNorm);
    if (typeof attend !== 'function') {
      const weights = {
        gain: normGain,
        query: weight('query'),
        key: weight('key'),
        value: weight('value'),
        output: weight('attentionOutput'),
      };
      const options = { shape: attend, epsilon: rmsNormEpsilon, cos, sin, positions };
      return attentionBlock(residual, weights, options);
    }
    const rotate = (x: tf.Tensor2D): tf.Tensor2D => rotary(x, cos, sin, { positions, headDim });
    const input = rmsNorm(residual, normGain, rmsNormEpsilon);
    const attended = attend(
      layer,
      rotate(linear(input, weight('query'))),
      rotate(linear(input, weight('key'))),
      linear(input, weight('value')),
    );
    return tf.add(residual, linear(attended, weight('attentionOutput'))) as tf.Tensor2D;
  };

  const block = (residual: tf.Tensor2D, layer: number, pass: Pass): tf.Tensor2D => {
    const prefix = layerPrefix(layer);
    const weights = {
      gain: gain(prefix + parameterNames.feedForwardNorm),
      gate: matrix(prefix + parameterNames.gate),
      up: matrix(prefix + parameterNames.up),
      down: matrix(prefix + parameterNames.down),
    };
    return gatedFeedForward(attention(residual, layer, pass), weights, rmsNormEpsilon);
  };

  const finalNorm = (residual: tf.Tensor2D): tf.Tensor2D =>
    rmsNorm(residual, gain(finalNormName), rmsNormEpsilon);

  /** One pass over the tokens of `batch`, each standing at its own of `positions`. */
  const run = (
    batch: TokenBatch,
    positions: Int32Array,
    attend: Pass['attend'],
    options: ForwardOptions,
  ): ForwardResult => {
    checkDecoderOnlyBatch(batch, config);
    const pass = {
      positions: tf.tensor1d(positions, 'int32'),
      reach: checkReach(positions, config),
      attend,
    };
    const ids = tf.tensor1d(batch.ids, 'int32');
    const residuals: tf.Tensor2D[] = [];
    let residual = embeddingLookup(matrix(embeddingName), ids);
    for (let layer = 0; layer < config.layers; layer++) {
      residual = block(residual, layer, pass);
      residual = options.transformResidual?.(residual, layer + 1, batch) ?? residual;
      if (options.captureResiduals) residuals.push(residual);
    }
    const final = finalNorm(residual);
    return { final: options.transformFinal?.(final, batch) ?? final, residuals };
  };

  const forward = (batch: TokenBatch, options: ForwardOptions = {}): ForwardResult => {
    const { batch: sequences, length, forks } = batch;
    const shape = { batch: sequences, length, ...attentionHeads, ...(forks ? { forks } : {}) };
    return run(batch, tokenPositions(batch), shape, options);
  };

  const startDecoding = (batch: TokenBatch, options: ForwardOptions = {}): DecodingStart => {
    const cache = createKeyValueCache(batch, attentionHeads);
    const freeIfFailing = (pass: () => tf.Tensor2D): tf.Tensor2D => {
      try {
        return tf.tidy(pass);
      } catch (error) {
        cache.dispose();
        throw error;
      }
    };
    return {
      final: freeIfFailing(() =>
        lastPositions(run(batch, tokenPositions(batch), cache.attendPrompts, options).final, batch),
      ),
      decoding: {
        step: (tokens, stepOptions = {}) => {
          const next = oneTokenEach(tokens);
          const { positions, attend } = cache.nextPosition();
          return freeIfFailing(() => run(next, positions, attend, stepOptions).final);
        },
        keep: cache.keep,
        dispose: cache.dispose,
      },
    };
  };

  return {
    config,
    variables,
    hiddenSize: config.hiddenSize,
    layers: config.layers,
    vocabularySize: config.vocabularySize,
    tied: config.tied,
    decoderStartTokenId: undefined,
    readsForks: true,
    embeddingName,
    unembeddingName: config.tied ? embeddingName : unembeddingName,
    forward,
    startDecoding,
    finalNorm,
    unembedding: () => matrix(config.tied ? embeddingName : unembeddingName),
    embeddingNames: () => (config.tied ? [embeddingName] : [embeddingName, unembeddingName]),
    clone: () => buildLlama(config, copyVariables(variables)),
    dispose: () => {
      for (const variable of variables.values()) variable.dispose();
      tables.dispose();
    },
  };
};

/**
 * How fresh parameters are filled: weights normal with sd `initializerRange`, those that write into the residual stream
 * smaller by √(2·layers) (GPT-2), gains 1.
 */
export const llamaInitialValues =
  ({ initializerRange, layers }: LlamaConfig) =>
  (name: string, shape: readonly number[]): InitialValues => {
    if (shape.length === 1) return { mean: 1, sd: 0 };
    const writesResidual =
      name.endsWith(parameterNames.attentionOutput) || name.endsWith(parameterNames.down);
    return { mean: 0, sd: initializerRange / (writesResidual ? Math.sqrt(2 * layers) : 1) };
  };

/** A freshly initialised model. Equal seeds give equal weights. */
export const createLlama = (config: LlamaConfig, seed: number): LanguageModel =>
  buildLlama(config, initialVariables(llamaParameterShapes(config), llamaInitialValues(config), seed));
