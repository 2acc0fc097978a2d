/** Causal self-attention over sequences of one length. */

import type { GradSaveFunc, Tensor, Tensor2D } from '@tensorflow/tfjs';
import { UsageError } from '../../base/index.js';
import { ATTENTION, ATTENTION_GRADIENT } from '../kernels/causal-attention.js';
import { hasKernel, runKernel } from '../kernels/run-kernel.js';
import { tf } from '../tf.js';
import { requireTensor } from './require.js';

export interface AttentionShape {
  /** Sequences; row b·length + t is position t of sequence b. */
  readonly batch: number;
  readonly length: number;
  /** Query heads; a multiple of `keyValueHeads`. */
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Positions that a query sees, its own included: those in (t − window, t]. Default: all up to t. */
  readonly window?: number;
}

/** 0 where a query may look, −1e9 where not: [groups·length, length]. */
const causalMask = (length: number, groups: number, window: number): Tensor2D => {
  const mask = new Float32Array(groups * length * length);
  for (let row = 0; row < groups * length; row++) {
    const [start, t] = [row * length, row % length];
    mask.fill(-1e9, start + t + 1, start + length);
    if (t >= window) mask.fill(-1e9, start, start + t - window + 1);
  }
  return tf.tensor2d(mask, [groups * length, length]);
};

export const composedCausalAttention = (
  q: Tensor2D,
  k: Tensor2D,
  v: Tensor2D,
  { batch, length, heads, keyValueHeads, headDim, window = length }: AttentionShape,
): Tensor2D => {
  // The query heads that share a key head are stacked as rows, so that no key or value is copied.
  const groups = heads / keyValueHeads;
  const stacked = tf.reshape(
    tf.transpose(tf.reshape(q, [batch, length, keyValueHeads, groups, headDim]), [0, 2, 3, 1, 4]),
    [batch * keyValueHeads, groups * length, headDim],
  );
  const perHead = (x: Tensor2D): Tensor =>
    tf.reshape(tf.transpose(tf.reshape(x, [batch, length, keyValueHeads, headDim]), [0, 2, 1, 3]), [
      batch * keyValueHeads,
      length,
      headDim,
    ]);
  const scores = tf.mul(tf.matMul(stacked, perHead(k), false, true), 1 / Math.sqrt(headDim));
  const weights = tf.softmax(tf.add(scores, causalMask(length, groups, window)));
  const mixed = tf.reshape(tf.matMul(weights, perHead(v)), [batch, keyValueHeads, groups, length, headDim]);
  return tf.reshape(tf.transpose(mixed, [0, 3, 1, 2, 4]), [batch * length, heads * headDim]);
};

/**
 * softmax(q·kᵀ / √headDim, past positions within the window only)·v a head. q [B·T, heads·headDim], k and v [B·T, keyValueHeads·headDim];
 * query head h reads key head ⌊h / (heads / keyValueHeads)⌋. The result has the shape of q. Padding on the right of a
 * sequence changes nothing before it.
 */
export const causalAttention = (q: Tensor2D, k: Tensor2D, v: Tensor2D, shape: AttentionShape): Tensor2D => {
  const { batch, length, heads, keyValueHeads, headDim, window = length } = shape;
  if (heads % keyValueHeads !== 0) {
    throw new UsageError(`${heads} query heads cannot share ${keyValueHeads} key heads evenly`);
  }
  requireTensor('q', q, [batch * length, heads * headDim]);
  requireTensor('k', k, [batch * length, keyValueHeads * headDim]);
  requireTensor('v', v, k.shape);
  if (!(window >= 1)) throw new UsageError(`a window of ${window} positions shows a query nothing`);
  // The kernel knows no window; a shorter sequence does not feel one.
  if (window < length || !hasKernel(ATTENTION)) return composedCausalAttention(q, k, v, shape);
  const attributes = { batch, length, heads, keyValueHeads, headDim };
  const attend = tf.customGrad((...tensors: (Tensor | GradSaveFunc)[]) => {
    const save = tensors[3] as GradSaveFunc;
    const [mixed, weights] = runKernel(ATTENTION, { q, k, v }, attributes) as [Tensor, Tensor];
    save([q, k, v, weights]);
    return {
      value: mixed,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [query, key, value, past] = saved as [Tensor, Tensor, Tensor, Tensor];
        return runKernel(ATTENTION_GRADIENT, { q: query, k: key, v: value, weights: past, dy }, attributes);
      },
    };
  });
  return attend(q, k, v) as Tensor2D;
};
