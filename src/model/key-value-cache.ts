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

export interface AttentionHeads extends Omit<CachedAttentionShape, 'batch'> {
  /** Positions that a query sees, its own included. Default: all up to its own. */
  readonly window?: number;
}

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

/** How attention differs from plain causal attention. */
export interface CacheOptions {
  /** The pass over whole prompts. Default: causal attention. */
  readonly attendPrompts?: (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) => tf.Tensor2D;
  /** Multiplies the scores of new tokens, beyond 1/√headDim. Default 1. */
  readonly scale?: number;
  /**
   * Added to the scores of new tokens: [batch·keyValueHeads, 1, slots], for key position − query position of every
   * sequence and slot [batch·slots].
   */
  readonly bias?: (relativePositions: Int32Array, slots: number) => tf.Tensor3D;
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
export const createKeyValueCache = (
  prompts: Pick<TokenBatch, 'batch' | 'length' | 'lengths' | 'forks'>,
  heads: AttentionHeads,
  { attendPrompts, scale = 1, bias }: CacheOptions = {},
): KeyValueCache => {
  if (prompts.forks) throw new UsageError('prompts that fork cannot be decoded from');
  const { window = Number.POSITIVE_INFINITY, ...attentionShape } = heads;
  const { keyValueHeads, headDim } = attentionShape;
  const layers: Slots[] = [];
  let lengths: readonly number[] = Array.from(prompts.lengths);
  let added = 0;
  /** What is added to the newest token's scores; all layers share it. */
  let mask: tf.Tensor3D | undefined;

  const put = (layer: number, keys: tf.Tensor3D, values: tf.Tensor3D): Slots => {
    const old = layers[layer];
    const slots = { keys: tf.keep(keys), values: tf.keep(values) };
    layers[layer] = slots;
    if (old) tf.dispose([old.keys, old.values]);
    return slots;
  };

  const split = (x: tf.Tensor2D, length: number): tf.Tensor3D =>
    rowsByHead(x, lengths.length, length, keyValueHeads, headDim);

  /**
   * 0 for slots that the newest token sees, −1e9 for padding and for what the window has left behind:
   * [batch·keyValueHeads, 1, slots].
   */
  const visibleMask = (): tf.Tensor3D => {
    const slots = prompts.length + added;
    const values = new Float32Array(lengths.length * keyValueHeads * slots);
    for (let row = 0; row < lengths.length * keyValueHeads; row++) {
      const start = row * slots;
      const filled = lengths[Math.floor(row / keyValueHeads)] ?? 0;
      const hidden = Math.max(0, filled + added - window);
      values.fill(-1e9, start, start + Math.min(hidden, filled));
      values.fill(-1e9, start + filled, start + prompts.length);
      values.fill(-1e9, start + prompts.length, start + prompts.length + Math.max(0, hidden - filled));
    }
    return tf.tensor3d(values, [lengths.length * keyValueHeads, 1, slots]);
  };

  /** Of the newest token to every slot: [batch·slots]. */
  const relativePositions = (): Int32Array => {
    const slots = prompts.length + added;
    return Int32Array.from({ length: lengths.length * slots }, (_, i) => {
      const filled = lengths[Math.floor(i / slots)] ?? 0;
      const slot = i % slots;
      const position = slot < prompts.length ? slot : filled + slot - prompts.length;
      return position - (filled + added - 1);
    });
  };

  const scoreOffsets = (): tf.Tensor3D => {
    const visible = visibleMask();
    return bias ? tf.add(visible, bias(relativePositions(), prompts.length + added)) : visible;
  };

  return {
    attendPrompts: (layer, q, k, v) => {
      const { batch, length } = prompts;
      put(layer, split(k, length), split(v, length));
      if (attendPrompts) return attendPrompts(q, k, v);
      return causalAttention(q, k, v, { batch, length, ...heads });
    },
    nextPosition: () => {
      const positions = Int32Array.from(lengths, (length) => length + added);
      added++;
      mask?.dispose();
      mask = undefined;
      return {
        positions,
        attend: (layer, q, k, v) => {
          const old = layers[layer];
          if (!old) throw new UsageError(`nothing is cached for layer ${layer}`);
          mask ??= tf.keep(scoreOffsets());
          const { keys, values } = put(
            layer,
            tf.concat([old.keys, split(k, 1)], 1),
            tf.concat([old.values, split(v, 1)], 1),
          );
          const queries: tf.Tensor2D = scale === 1 ? q : tf.mul(q, scale);
          return cachedAttention(queries, keys, values, mask, { batch: lengths.length, ...attentionShape });
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
      mask?.dispose();
      mask = undefined;
      for (const { keys, values } of layers.splice(0)) tf.dispose([keys, values]);
    },
  };
};
