/** The GPT-2 decoder: LayerNorm, learned positions, GELU, biases everywhere. Parameter names are Hugging Face's. */
import type { TokenBatch } from '../data/index.js';
import { causalAttention, embeddingLookup, geluNew, layerNorm, tf } from '../engine/index.js';
import { checkDecoderOnlyBatch } from './check-batch.js';
import type { Gpt2Config } from './gpt2-config.js';
import type { ForwardOptions, ForwardResult, LanguageModel } from './language-model.js';
import { tokenPositions } from './token-positions.js';
import { copyVariables, type InitialValues, parameterFinder, type Variables } from './variables.js';

const embeddingName = 'transformer.wte.weight';
const positionsName = 'transformer.wpe.weight';
const finalNormName = 'transformer.ln_f';
const unembeddingName = 'lm_head.weight';
const layerPrefix = (layer: number): string => `transformer.h.${layer}.`;

/** Name and shape of every parameter, in the order in which they are stored. Weights of maps are [in, out]. */
export const gpt2ParameterShapes = (config: Gpt2Config): Map<string, readonly number[]> => {
  const { hiddenSize: d, intermediateSize } = config;
  const shapes = new Map<string, readonly number[]>();
  const norm = (name: string): void => {
    shapes.set(`${name}.weight`, [d]);
    shapes.set(`${name}.bias`, [d]);
  };
  const map = (name: string, from: number, to: number): void => {
    shapes.set(`${name}.weight`, [from, to]);
    shapes.set(`${name}.bias`, [to]);
  };
  shapes.set(embeddingName, [config.vocabularySize, d]);
  shapes.set(positionsName, [config.maxPositions, d]);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer);
    norm(`${prefix}ln_1`);
    map(`${prefix}attn.c_attn`, d, 3 * d);
    map(`${prefix}attn.c_proj`, d, d);
    norm(`${prefix}ln_2`);
    map(`${prefix}mlp.c_fc`, d, intermediateSize);
    map(`${prefix}mlp.c_proj`, intermediateSize, d);
  }
  norm(finalNormName);
  if (!config.tied) shapes.set(unembeddingName, [config.vocabularySize, d]);
  return shapes;
};

/** The original checkpoint has no `transformer.` before its names. */
export const gpt2CanonicalName = (name: string): string =>
  /^(?:wte|wpe|h|ln_f)\./.test(name) ? `transformer.${name}` : name;

/** Masks of attention that old checkpoints carry as buffers. */
export const isGpt2Mask = (name: string): boolean =>
  /^transformer\.h\.\d+\.attn\.(?:bias|masked_bias)$/.test(name);

/**
 * How fresh parameters are filled: weights normal with sd `initializerRange`, those that write into the residual stream
 * smaller by √(2·layers), gains 1, biases 0.
 */
export const gpt2InitialValues =
  ({ initializerRange, layers }: Gpt2Config) =>
  (name: string): InitialValues => {
    if (name.endsWith('.bias')) return { mean: 0, sd: 0 };
    if (/\.ln_\w+\.weight$/.test(name)) return { mean: 1, sd: 0 };
    const writesResidual = name.endsWith('c_proj.weight');
    return { mean: 0, sd: initializerRange / (writesResidual ? Math.sqrt(2 * layers) : 1) };
  };

/** A model over these parameters, which it then owns: one of each name in `gpt2ParameterShapes`. */
export const buildGpt2 = (config: Gpt2Config, variables: Variables): LanguageModel => {
  const { heads, hiddenSize } = config;
  const { matrix, vector } = parameterFinder(variables);
  const headDim = hiddenSize / heads;

  const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D =>
    layerNorm(x, vector(`${name}.weight`), vector(`${name}.bias`), config.layerNormEpsilon);
  const map = (x: tf.Tensor2D, name: string): tf.Tensor2D =>
    tf.add(tf.matMul(x, matrix(`${name}.weight`)), vector(`${name}.bias`)) as tf.Tensor2D;

  const block = (residual: tf.Tensor2D, layer: number, { batch, length, forks }: TokenBatch): tf.Tensor2D => {
    const prefix = layerPrefix(layer);
    const [query, key, value] = tf.split(
      map(norm(residual, `${prefix}ln_1`), `${prefix}attn.c_attn`),
      3,
      1,
    ) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const attended = causalAttention(query, key, value, {
      batch,
      length,
      heads,
      keyValueHeads: heads,
      headDim,
      ...(forks ? { forks } : {}),
    });
    const afterAttention = tf.add(residual, map(attended, `${prefix}attn.c_proj`)) as tf.Tensor2D;
    const hidden = geluNew(map(norm(afterAttention, `${prefix}ln_2`), `${prefix}mlp.c_fc`));
    return tf.add(afterAttention, map(hidden, `${prefix}mlp.c_proj`)) as tf.Tensor2D;
  };

  const finalNorm = (residual: tf.Tensor2D): tf.Tensor2D => norm(residual, finalNormName);

  const forward = (batch: TokenBatch, options: ForwardOptions = {}): ForwardResult => {
    checkDecoderOnlyBatch(batch, config);
    const ids = tf.tensor1d(batch.ids, 'int32');
    const positions = tf.tensor1d(tokenPositions(batch), 'int32');
    const residuals: tf.Tensor2D[] = [];
    let residual = tf.add(
      embeddingLookup(matrix(embeddingName), ids),
      embeddingLookup(matrix(positionsName), positions),
    ) as tf.Tensor2D;
    for (let layer = 0; layer < config.layers; layer++) {
      residual = block(residual, layer, batch);
      residual = options.transformResidual?.(residual, layer + 1, batch) ?? residual;
      if (options.captureResiduals) residuals.push(residual);
    }
    const final = finalNorm(residual);
    return { final: options.transformFinal?.(final, batch) ?? final, residuals };
  };

  const ownUnembedding = config.tied ? embeddingName : unembeddingName;
  return {
    config,
    variables,
    hiddenSize,
    layers: config.layers,
    vocabularySize: config.vocabularySize,
    tied: config.tied,
    decoderStartTokenId: undefined,
    readsForks: true,
    embeddingName,
    unembeddingName: ownUnembedding,
    forward,
    finalNorm,
    unembedding: () => matrix(ownUnembedding),
    embeddingNames: () => [...new Set([embeddingName, positionsName, ownUnembedding])],
    clone: () => buildGpt2(config, copyVariables(variables)),
    dispose: () => {
      for (const variable of variables.values()) variable.dispose();
    },
  };
};
