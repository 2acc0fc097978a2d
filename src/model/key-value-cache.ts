/** Keys and values of earlier positions, a pair of tensors a layer, for a batch of sequences of unequal lengths. */
import { UsageError } from '../base/index.js';
import type { TokenBatch } from '../data/index.js';
import {
  type CachedAttentionShape,
  cachedAttention,
  causalAttention,
  rowsByHead,
  tf,
} from '../engine/index.js';

/** How a block's queries look at keys and values: rows of the pass at hand in, mixed values of their shape out. */
export type Attend = (layer: number, q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) => tf.Tensor2D;

export type AttentionHeads = Omit<CachedAttentionShape, 'batch'>;

export interface KeyValueCache {
  /** Attention of a pass over whole right-padded prompts, which fills the cache; to be called once for each layer. */
  readonly attendPrompts: Attend;
  /** Begins a pass over one new token a sequence. */
  nextPosition(): {
    /** [batch]: where the new tokens stand. */
    readonly positions: Int32Array;
    /** To be called once for each layer, inside one `tf.tidy`. */
    readonly attend: Attend;
  };
  /** Goes on with these sequences alone, in this order. */
  keep(rows: readonly number[]): void;
  dispose(): void;
}

interface Slots {
  readonly keys: tf.Tensor3D;
  readonly values: tf.Tensor3D;
}

/**
 * An empty cache for the sequences of `prompts`. A sequence of p tokens in a block of P fills slots 0..p−1; the slots up
 * to P hold padding, which the mask hides; new tokens take the slots from P on. A slot's index says nothing of the
 * position: that is in the keys already. The cache owns its tensors until `dispose`.
 */
export const createKeyValueCache = (prompts: TokenBatch, heads: AttentionHeads): KeyValueCache => {
  if (prompts.forks) throw new UsageError('prompts that fork cannot be decoded from');
  const { keyValueHeads, headDim } = heads;
  const layers: Slots[] = [];
  let lengths: readonly number[] = Array.from(prompts.lengths);
  let added = 0;

  const put = (layer: number, keys: tf.Tensor3D, values: tf.Tensor3D): Slots => {
    const old = layers[layer];
    const slots = { keys: tf.keep(keys), values: tf.keep(values) };
    layers[layer] = slots;
    if (old) tf.dispose([old.keys, old.values]);
    return slots;
  };

  const split = (x: tf.Tensor2D, length: number): tf.Tensor3D =>
    rowsByHead(x, lengths.length, length, keyValueHeads, headDim);

  /** 0 for slots a sequence has filled, −1e9 for its padding: [batch·keyValueHeads, 1, slots]. */
  const filledMask = (): tf.Tensor3D => {
    const slots = prompts.length + added;
    const mask = new Float32Array(lengths.length * keyValueHeads * slots);
    for (let row = 0; row < lengths.length * keyValueHeads; row++) {
      const filled = lengths[Math.floor(row / keyValueHeads)] ?? 0;
      mask.fill(-1e9, row * slots + filled, row * slots + prompts.length);
    }
    return tf.tensor3d(mask, [lengths.length * keyValueHeads, 1, slots]);
  };

  return {
    attendPrompts: (layer, q, k, v) => {
      const { batch, length } = prompts;
      put(layer, split(k, length), split(v, length));
      return causalAttention(q, k, v, { batch, length, ...heads });
    },
    nextPosition: () => {
      const positions = Int32Array.from(lengths, (length) => length + added);
      added++;
      let mask: tf.Tensor3D | undefined;
      return {
        positions,
        attend: (layer, q, k, v) => {
          const old = layers[layer];
          if (!old) throw new UsageError(`nothing is cached for layer ${layer}`);
          mask ??= filledMask();
          const { keys, values } = put(
            layer,
            tf.concat([old.keys, split(k, 1)], 1),
            tf.concat([old.values, split(v, 1)], 1),
          );
          return cachedAttention(q, keys, values, mask, { batch: lengths.length, ...heads });
        },
      };
    },
    keep: (rows) => {
      const headRows = Int32Array.from(
        rows.flatMap((row) => Array.from({ length: keyValueHeads }, (_, h) => row * keyValueHeads + h)),
      );
      layers.forEach(({ keys, values }, layer) => {
        const [keptKeys, keptValues] = tf.tidy(() => {
          const index = tf.tensor1d(headRows, 'int32');
          return [tf.gather(keys, index), tf.gather(values, index)] as const;
        });
        put(layer, keptKeys, keptValues);
      });
      lengths = rows.map((row) => lengths[row] ?? 0);
    },
    dispose: () => {
      for (const { keys, values } of layers.splice(0)) tf.dispose([keys, values]);
    },
  };
};
