/** Keys and values of an encoder's output, a pair of tensors a layer of the decoder, made once for a whole generation. */
import { UsageError } from '../base/index.js';
import { cachedAttention, rowsByHead, tf } from '../engine/index.js';

export interface CrossAttentionCache {
  /** Keeps a layer's keys and values, [batch·length, heads·headDim]. */
  fill(layer: number, keys: tf.Tensor2D, values: tf.Tensor2D): void;
  /** Attention of one query a sequence, [batch, heads·headDim]; the scores are not scaled. */
  attend(layer: number, queries: tf.Tensor2D): tf.Tensor2D;
  /** Goes on with these sequences alone, in this order. */
  keep(rows: readonly number[]): void;
  dispose(): void;
}

/**
 * @param length of the encoder's sequences with their padding
 * @param lengths [batch of the decoder]: tokens of what each row looks at
 */
export const createCrossAttentionCache = (
  { heads, headDim, length }: { readonly heads: number; readonly headDim: number; readonly length: number },
  lengths: ArrayLike<number>,
): CrossAttentionCache => {
  const layers: { readonly keys: tf.Tensor3D; readonly values: tf.Tensor3D }[] = [];
  let own = Array.from(lengths);
  let mask: tf.Tensor3D | undefined;

  const makeMask = (): tf.Tensor3D => {
    const values = new Float32Array(own.length * heads * length);
    for (let row = 0; row < own.length * heads; row++) {
      values.fill(-1e9, row * length + (own[Math.floor(row / heads)] ?? 0), (row + 1) * length);
    }
    return tf.tensor3d(values, [own.length * heads, 1, length]);
  };

  return {
    fill: (layer, keys, values) => {
      const split = (x: tf.Tensor2D): tf.Tensor3D =>
        tf.keep(rowsByHead(x, own.length, length, heads, headDim));
      layers[layer] = { keys: split(keys), values: split(values) };
    },
    attend: (layer, queries) => {
      const slots = layers[layer];
      if (!slots) throw new UsageError(`nothing is cached for layer ${layer}`);
      mask ??= tf.keep(makeMask());
      const scaled: tf.Tensor2D = tf.mul(queries, Math.sqrt(headDim));
      const shape = { batch: own.length, heads, keyValueHeads: heads, headDim };
      return cachedAttention(scaled, slots.keys, slots.values, mask, shape);
    },
    keep: (rows) => {
      const headRows = Int32Array.from(
        rows.flatMap((row) => Array.from({ length: heads }, (_, h) => row * heads + h)),
      );
      for (const [layer, { keys, values }] of layers.entries()) {
        layers[layer] = tf.tidy(() => {
          const index = tf.tensor1d(headRows, 'int32');
          return { keys: tf.keep(tf.gather(keys, index)), values: tf.keep(tf.gather(values, index)) };
        });
        tf.dispose([keys, values]);
      }
      own = rows.map((row) => own[row] ?? 0);
      mask?.dispose();
      mask = undefined;
    },
    dispose: () => {
      mask?.dispose();
      mask = undefined;
      for (const { keys, values } of layers.splice(0)) tf.dispose([keys, values]);
    },
  };
};
