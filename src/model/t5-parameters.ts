/** The parameters of T5, by Hugging Face's names. */
import type { T5Config } from './t5-config.js';
import type { InitialValues } from './variables.js';

export const t5Names = {
  embedding: 'shared.weight',
  unembedding: 'lm_head.weight',
  finalNorm: (stack: T5Stack): string => `${stack}.final_layer_norm.weight`,
  /** The blocks of a stack share the relative position bias of its first. */
  relativeBias: (stack: T5Stack): string =>
    `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`,
  /** Before a part of a block. */
  part: (stack: T5Stack, block: number, part: number): string => `${stack}.block.${block}.layer.${part}.`,
} as const;

export type T5Stack = 'encoder' | 'decoder';

/** Name and shape of every parameter, in the order in which they are stored. */
export const t5ParameterShapes = (config: T5Config): Map<string, readonly number[]> => {
  const { hiddenSize: d, intermediateSize, heads, headDim } = config;
  const shapes = new Map<string, readonly number[]>();
  const attention = (prefix: string, kind: 'SelfAttention' | 'EncDecAttention'): void => {
    for (const each of ['q', 'k', 'v']) shapes.set(`${prefix}${kind}.${each}.weight`, [heads * headDim, d]);
    shapes.set(`${prefix}${kind}.o.weight`, [d, heads * headDim]);
  };
  shapes.set(t5Names.embedding, [config.vocabularySize, d]);
  for (const stack of ['encoder', 'decoder'] as const) {
    const blocks = stack === 'encoder' ? config.encoderLayers : config.layers;
    for (let block = 0; block < blocks; block++) {
      const [self, cross] = [t5Names.part(stack, block, 0), t5Names.part(stack, block, 1)];
      attention(self, 'SelfAttention');
      if (block === 0) shapes.set(t5Names.relativeBias(stack), [config.relativeBuckets, heads]);
      shapes.set(`${self}layer_norm.weight`, [d]);
      if (stack === 'decoder') {
        attention(cross, 'EncDecAttention');
        shapes.set(`${cross}layer_norm.weight`, [d]);
      }
      const feedForward = t5Names.part(stack, block, stack === 'encoder' ? 1 : 2);
      const inputs = config.feedForward === 'relu' ? ['wi'] : ['wi_0', 'wi_1'];
      for (const each of inputs) {
        shapes.set(`${feedForward}DenseReluDense.${each}.weight`, [intermediateSize, d]);
      }
      shapes.set(`${feedForward}DenseReluDense.wo.weight`, [d, intermediateSize]);
      shapes.set(`${feedForward}layer_norm.weight`, [d]);
    }
    shapes.set(t5Names.finalNorm(stack), [d]);
  }
  if (!config.tied) shapes.set(t5Names.unembedding, [config.vocabularySize, d]);
  return shapes;
};

/** Stored by old checkpoints, read by no one: cross-attention has no position bias. */
export const isUnusedT5Bias = (name: string): boolean =>
  /\.EncDecAttention\.relative_attention_bias\.weight$/.test(name);

/**
 * How fresh parameters are filled, as Hugging Face does it, times `initializerFactor`: normal, with the sd that keeps
 * the size of activations (scores are not scaled, so queries begin smaller by √headDim); gains 1. An untied head
 * begins with the sd that gives logits of order 1.
 */
export const t5InitialValues =
  ({ initializerFactor: factor, hiddenSize, headDim, heads, intermediateSize }: T5Config) =>
  (name: string): InitialValues => {
    const normal = (fanIn: number): InitialValues => ({ mean: 0, sd: factor / Math.sqrt(fanIn) });
    if (name.endsWith('layer_norm.weight')) return { mean: factor, sd: 0 };
    if (name === t5Names.embedding) return normal(1);
    if (name.endsWith('.q.weight')) return normal(hiddenSize * headDim);
    if (name.endsWith('.o.weight')) return normal(heads * headDim);
    if (name.endsWith('.wo.weight')) return normal(intermediateSize);
    return normal(hiddenSize);
  };
