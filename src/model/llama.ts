/** The Llama decoder: RMSNorm, RoPE, grouped-query attention, SwiGLU. Parameter names are Hugging Face's. */
import { ComputationError, createRandom, InputError } from '../base/index.js';
import type { TokenBatch } from '../data/index.js';
import { causalAttention, embeddingLookup, linear, rmsNorm, rotary, swiglu, tf } from '../engine/index.js';
import type { ForwardOptions, ForwardResult, LanguageModel } from './language-model.js';
import type { LlamaConfig } from './llama-config.js';
import { rotaryTables } from './rotary-tables.js';

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

const checkBatch = ({ ids, batch, length }: TokenBatch, config: LlamaConfig): void => {
  if (length > config.maxPositions) {
    throw new InputError(
      `a sequence of ${length} tokens does not fit the model's ${config.maxPositions} positions`,
    );
  }
  if (batch < 1 || length < 1 || ids.length !== batch * length) {
    throw new InputError(
      `a batch of ${batch} sequences of ${length} positions cannot have ${ids.length} token ids`,
    );
  }
  for (const id of ids) {
    if (!(id >= 0 && id < config.vocabularySize)) {
      throw new InputError(`token id ${id} is outside the model's vocabulary of ${config.vocabularySize}`, {
        hint: 'the tokenizer and the model do not belong together',
      });
    }
  }
};

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

/** A model over these parameters, which it then owns: one of each name in `llamaParameterShapes`. */
export const buildLlama = (
  config: LlamaConfig,
  variables: ReadonlyMap<string, tf.Variable>,
): LanguageModel => {
  const { headDim, heads, keyValueHeads, rmsNormEpsilon } = config;
  const find = (name: string): tf.Variable => {
    const variable = variables.get(name);
    if (!variable) throw new ComputationError(`the model was built without its parameter ${name}`);
    return variable;
  };
  const matrix = (name: string) => find(name) as unknown as tf.Tensor2D;
  const gain = (name: string) => find(name) as unknown as tf.Tensor1D;
  const tables = createTableCache(config);

  const block = (
    residual: tf.Tensor2D,
    layer: number,
    { batch, length }: TokenBatch,
    positions: tf.Tensor1D,
  ): tf.Tensor2D => {
    const prefix = layerPrefix(layer);
    const project = (x: tf.Tensor2D, name: keyof typeof parameterNames): tf.Tensor2D =>
      linear(x, matrix(prefix + parameterNames[name]));
    const { cos, sin } = tables.atLeast(length);
    const rotate = (x: tf.Tensor2D): tf.Tensor2D => rotary(x, cos, sin, { positions, headDim });
    const attentionInput = rmsNorm(residual, gain(prefix + parameterNames.inputNorm), rmsNormEpsilon);
    const attended = causalAttention(
      rotate(project(attentionInput, 'query')),
      rotate(project(attentionInput, 'key')),
      project(attentionInput, 'value'),
      { batch, length, heads, keyValueHeads, headDim },
    );
    const afterAttention = tf.add(residual, project(attended, 'attentionOutput')) as tf.Tensor2D;
    const feedForwardInput = rmsNorm(
      afterAttention,
      gain(prefix + parameterNames.feedForwardNorm),
      rmsNormEpsilon,
    );
    const hidden = swiglu(project(feedForwardInput, 'gate'), project(feedForwardInput, 'up'));
    return tf.add(afterAttention, project(hidden, 'down')) as tf.Tensor2D;
  };

  const finalNorm = (residual: tf.Tensor2D): tf.Tensor2D =>
    rmsNorm(residual, gain(finalNormName), rmsNormEpsilon);

  const forward = (batch: TokenBatch, options: ForwardOptions = {}): ForwardResult => {
    checkBatch(batch, config);
    const ids = tf.tensor1d(batch.ids, 'int32');
    const positions = tf.tensor1d(
      Int32Array.from({ length: batch.ids.length }, (_, i) => i % batch.length),
      'int32',
    );
    const residuals: tf.Tensor2D[] = [];
    let residual = embeddingLookup(matrix(embeddingName), ids);
    for (let layer = 0; layer < config.layers; layer++) {
      residual = block(residual, layer, batch, positions);
      residual = options.transformResidual?.(residual, layer + 1, batch) ?? residual;
      if (options.captureResiduals) residuals.push(residual);
    }
    const final = finalNorm(residual);
    return { final: options.transformFinal?.(final, batch) ?? final, residuals };
  };

  return {
    config,
    variables,
    hiddenSize: config.hiddenSize,
    layers: config.layers,
    vocabularySize: config.vocabularySize,
    tied: config.tied,
    forward,
    finalNorm,
    unembedding: () => matrix(config.tied ? embeddingName : unembeddingName),
    embeddingNames: () => (config.tied ? [embeddingName] : [embeddingName, unembeddingName]),
    clone: () => {
      const copies = new Map<string, tf.Variable>();
      for (const [name, variable] of variables) {
        // tfjs's own clone shares the data, which an optimiser that works in place would then change twice.
        const copy = tf.tidy(() => tf.mul(variable, 1));
        copies.set(name, tf.variable(copy));
        copy.dispose();
      }
      return buildLlama(config, copies);
    },
    dispose: () => {
      for (const variable of variables.values()) variable.dispose();
      tables.dispose();
    },
  };
};

/**
 * A freshly initialised model: weights normal with sd `initializerRange`, those that write into the residual stream
 * smaller by √(2·layers) (GPT-2), gains 1. Equal seeds give equal weights.
 */
export const createLlama = (config: LlamaConfig, seed: number): LanguageModel => {
  const variables = new Map<string, tf.Variable>();
  for (const [name, shape] of llamaParameterShapes(config)) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (shape.length === 1) {
      values.fill(1);
    } else {
      const writesResidual =
        name.endsWith(parameterNames.attentionOutput) || name.endsWith(parameterNames.down);
      const sd = config.initializerRange / (writesResidual ? Math.sqrt(2 * config.layers) : 1);
      const random = createRandom(seed).fork(name);
      for (let i = 0; i < values.length; i++) values[i] = sd * random.normal();
    }
    const initial = tf.tensor(values, [...shape]);
    variables.set(name, tf.variable(initial));
    initial.dispose();
  }
  return buildLlama(config, variables);
};
