/** Attention between two sequences with a learned bias on the scores, as T5 has it. */

import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';
import { requireTensor } from './require.js';

export interface BiasedAttentionShape {
  /** Pairs of sequences; row b·queryLength + t of q is position t of sequence b. */
  readonly batch: number;
  readonly queryLength: number;
  readonly keyLength: number;
  readonly heads: number;
  readonly headDim: number;
  /** [batch]: keys of each sequence before its padding, which no query sees. */
  readonly keyLengths: ArrayLike<number>;
  /** Whether query t sees keys 0..t only. */
  readonly causal: boolean;
}

/** 0 where a query may look, −1e9 where not: [batch, 1, queryLength, keyLength]. */
const lookMask = ({ batch, queryLength, keyLength, keyLengths, causal }: BiasedAttentionShape): Tensor => {
  const mask = new Float32Array(batch * queryLength * keyLength);
  for (let row = 0; row < batch * queryLength; row++) {
    const keys = keyLengths[Math.floor(row / queryLength)] ?? 0;
    const seen = causal ? Math.min(keys, (row % queryLength) + 1) : keys;
    mask.fill(-1e9, row * keyLength + seen, (row + 1) * keyLength);
  }
  return tf.tensor4d(mask, [batch, 1, queryLength, keyLength]);
};

/** [batch·length, heads·headDim] as [batch·heads, length, headDim]. */
const byHead = (x: Tensor2D, batch: number, length: number, heads: number, headDim: number): Tensor =>
  tf.reshape(tf.transpose(tf.reshape(x, [batch, length, heads, headDim]), [0, 2, 1, 3]), [
    batch * heads,
    length,
    headDim,
  ]);

export const composedBiasedAttention = (
  q: Tensor2D,
  k: Tensor2D,
  v: Tensor2D,
  bias: Tensor2D | undefined,
  shape: BiasedAttentionShape,
): Tensor2D => {
  const { batch, queryLength, keyLength, heads, headDim } = shape;
  const queries = byHead(q, batch, queryLength, heads, headDim);
  const keys = byHead(k, batch, keyLength, heads, headDim);
  const scores = tf.reshape(tf.matMul(queries, keys, false, true), [batch, heads, queryLength, keyLength]);
  const biased = bias ? tf.add(scores, tf.reshape(bias, [1, heads, queryLength, keyLength])) : scores;
  const weights = tf.reshape(tf.softmax(tf.add(biased, lookMask(shape))), [
    batch * heads,
    queryLength,
    keyLength,
  ]);
  const mixed = tf.matMul(weights, byHead(v, batch, keyLength, heads, headDim));
  return tf.reshape(tf.transpose(tf.reshape(mixed, [batch, heads, queryLength, headDim]), [0, 2, 1, 3]), [
    batch * queryLength,
    heads * headDim,
  ]);
};

/**
 * softmax(q·kᵀ + bias, visible keys only)·v a head; the scores are not scaled. q [B·T, heads·headDim], k and v
 * [B·S, heads·headDim], bias [heads·T, S] where given: row h·T + t is for query t of head h. The result has the shape
 * of q. A query that sees no key gets the mean of all values: give each sequence at least one.
 */
export const biasedAttention = (
  q: Tensor2D,
  k: Tensor2D,
  v: Tensor2D,
  bias: Tensor2D | undefined,
  shape: BiasedAttentionShape,
): Tensor2D => {
  const { batch, queryLength, keyLength, heads, headDim } = shape;
  requireTensor('q', q, [batch * queryLength, heads * headDim]);
  requireTensor('k', k, [batch * keyLength, heads * headDim]);
  requireTensor('v', v, k.shape);
  if (bias) requireTensor('bias', bias, [heads * queryLength, keyLength]);
  return composedBiasedAttention(q, k, v, bias, shape);
};
