/** Attention of one new position a sequence to the keys and values that earlier positions left behind. */

import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { UsageError } from '../../base/index.js';
import { tf } from '../tf.js';
import { requireTensor } from './require.js';

export interface CachedAttentionShape {
  /** Sequences; row b of q is the new position of sequence b. */
  readonly batch: number;
  /** Query heads; a multiple of `keyValueHeads`. */
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
}

/** Keys or values of `length` positions a sequence, [B·T, heads·headDim], as they are cached: [B·heads, T, headDim]. */
export const rowsByHead = (
  x: Tensor2D,
  batch: number,
  length: number,
  heads: number,
  headDim: number,
): Tensor3D => {
  requireTensor('x', x, [batch * length, heads * headDim]);
  const apart = tf.reshape(x, [batch, length, heads, headDim]);
  // With one position the two layouts are the same numbers in the same order.
  const ordered: Tensor = length === 1 ? apart : tf.transpose(apart, [0, 2, 1, 3]);
  return tf.reshape(ordered, [batch * heads, length, headDim]);
};

/**
 * softmax(q·kᵀ / √headDim + mask)·v a head, without a gradient's bookkeeping: q [B, heads·headDim], keys and values
 * [B·keyValueHeads, S, headDim] as `rowsByHead` gives them, mask [B·keyValueHeads, 1, S] with 0 for a slot that the
 * sequence has filled and −1e9 for one that it has not. Query head h reads key head ⌊h / (heads / keyValueHeads)⌋. The
 * result has the shape of q: row b is what `causalAttention` gives at the last position of sequence b.
 */
export const cachedAttention = (
  q: Tensor2D,
  keys: Tensor3D,
  values: Tensor3D,
  mask: Tensor3D,
  { batch, heads, keyValueHeads, headDim }: CachedAttentionShape,
): Tensor2D => {
  if (heads % keyValueHeads !== 0) {
    throw new UsageError(`${heads} query heads cannot share ${keyValueHeads} key heads evenly`);
  }
  const slots = keys.shape[1];
  requireTensor('q', q, [batch, heads * headDim]);
  requireTensor('keys', keys, [batch * keyValueHeads, slots, headDim]);
  requireTensor('values', values, keys.shape);
  requireTensor('mask', mask, [batch * keyValueHeads, 1, slots]);
  const stacked = tf.reshape(q, [batch * keyValueHeads, heads / keyValueHeads, headDim]);
  const scores = tf.mul(tf.matMul(stacked, keys, false, true), 1 / Math.sqrt(headDim));
  const weights = tf.softmax(tf.add(scores, mask)) as Tensor3D;
  return tf.reshape(tf.matMul(weights, values), [batch, heads * headDim]);
};
