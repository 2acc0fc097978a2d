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
  /**
   * [batch · 2], of each sequence two positions, `fork` and `resume`: what stands from `resume` on continues the first
   * `fork` positions, and does not see what lies between. Two continuations of one beginning share it that way. Both are
   * `length` for a sequence without a fork; 1 ≤ fork ≤ resume ≤ length.
   */
  readonly forks?: Int32Array;
}

/** 0 where a query may look, −1e9 where not: [groups·length, length], for each sequence if they differ. */
const causalMask = ({
  length,
  heads,
  keyValueHeads,
  forks,
  batch,
  window = length,
}: AttentionShape): Tensor => {
  const rows = (heads / keyValueHeads) * length;
  const mask = new Float32Array((forks ? batch : 1) * rows * length);
  for (let row = 0; row < mask.length / length; row++) {
    const sequence = Math.floor(row / rows);
    const [fork = length, resume = length] = forks?.subarray(2 * sequence, 2 * sequence + 2) ?? [];
    const position = row % length;
    mask.fill(-1e9, row * length + position + 1, (row + 1) * length);
    if (position >= window) mask.fill(-1e9, row * length, row * length + position - window + 1);
    if (position >= resume) mask.fill(-1e9, row * length + fork, row * length + resume);
  }
  return forks ? tf.tensor(mask, [batch, 1, rows, length]) : tf.tensor(mask, [rows, length]);
};

/** @throws {UsageError} for forks that are not two ordered positions a sequence */
export const requireForks = ({ forks, batch, length }: AttentionShape): void => {
  if (forks === undefined) return;
  if (forks.length !== 2 * batch) {
    throw new UsageError(`${batch} sequences need twice as many forks, not ${forks.length}`);
  }
  for (let b = 0; b < batch; b++) {
    const [fork = 0, resume = 0] = forks.subarray(2 * b, 2 * b + 2);
    if (!(fork >= 1 && fork <= resume && resume <= length)) {
      throw new UsageError(
        `sequence ${b} of ${length} positions cannot fork at ${fork} and resume at ${resume}`,
      );
    }
  }
};

export const composedCausalAttention = (
  q: Tensor2D,
  k: Tensor2D,
  v: Tensor2D,
  shape: AttentionShape,
): Tensor2D => {
  const { batch, length, heads, keyValueHeads, headDim } = shape;
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
  const apart = [batch, keyValueHeads, groups * length, length];
  const weights = tf.softmax(tf.add(tf.reshape(scores, apart), causalMask(shape)));
  const mixed = tf.reshape(tf.matMul(tf.reshape(weights, scores.shape), perHead(v)), [
    batch,
    keyValueHeads,
    groups,
    length,
    headDim,
  ]);
  return tf.reshape(tf.transpose(mixed, [0, 3, 1, 2, 4]), [batch * length, heads * headDim]);
};

/**
 * softmax(q·kᵀ / √headDim, past positions within the window only)·v a head. q [B·T, heads·headDim], k and v [B·T, keyValueHeads·headDim];
 * query head h reads key head ⌊h / (heads / keyValueHeads)⌋. The result has the shape of q. Padding on the right of a
 * sequence changes nothing before it.
 */
export const causalAttention = (q: Tensor2D, k: Tensor2D, v: Tensor2D, shape: AttentionShape): Tensor2D => {
  const { batch, length, heads, keyValueHeads, headDim, forks, window = length } = shape;
  if (heads % keyValueHeads !== 0) {
    throw new UsageError(`${heads} query heads cannot share ${keyValueHeads} key heads evenly`);
  }
  requireTensor('q', q, [batch * length, heads * headDim]);
  requireTensor('k', k, [batch * length, keyValueHeads * headDim]);
  requireTensor('v', v, k.shape);
  if (!(window >= 1)) throw new UsageError(`a window of ${window} positions shows a query nothing`);
  requireForks(shape);
  if (forks !== undefined && window < length) {
    throw new UsageError('sequences that fork cannot be attended to within a window');
  }
  // The kernel knows no window; a shorter sequence does not feel one.
  if (window < length || !hasKernel(ATTENTION)) return composedCausalAttention(q, k, v, shape);
  const attributes = { batch, length, heads, keyValueHeads, headDim, ...(forks ? { forks } : {}) };
  const attend = tf.customGrad((...tensors: (Tensor | GradSaveFunc)[]) => {
    const save = tensors[3] as GradSaveFunc;
    const [mixed, stats] = runKernel(ATTENTION, { q, k, v }, attributes) as [Tensor, Tensor];
    save([q, k, v, stats]);
    return {
      value: mixed,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [query, key, value, numbers] = saved as [Tensor, Tensor, Tensor, Tensor];
        return runKernel(ATTENTION_GRADIENT, { q: query, k: key, v: value, stats: numbers, dy }, attributes);
      },
    };
  });
  return attend(q, k, v) as Tensor2D;
};
