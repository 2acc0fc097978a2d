/**
 * Causal attention on the heap, in the [rows, heads·headDim] layout by its strides: nothing is transposed, no matrix of
 * all weights is made.
 */

import type { TensorInfo } from '@tensorflow/tfjs';
import { heapGemm } from '../gemm.js';
import { activeHeap } from '../heap.js';
import { kernelModule } from './module.js';
import { registerWasmKernel } from './register.js';

export const ATTENTION = 'DsteerCausalAttention';
export const ATTENTION_GRADIENT = 'DsteerCausalAttentionGrad';

/** What the kernels are told of the layout; see `AttentionShape`. */
export interface HeapAttentionShape {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** The fork and the resume of each sequence. */
  readonly forks?: Int32Array;
}

/** Queries of a block: what they do not see of its keys is computed in vain, and fewer make products too small. */
const BLOCK = 32;

/** Queries [first, first + rows) of one head of one sequence, and the keys [0, limit) that any of them sees. */
interface AttentionBlock {
  readonly first: number;
  readonly rows: number;
  readonly limit: number;
  /** Queries from `resume` on do not see keys [fork, resume). */
  readonly fork: number;
  readonly resume: number;
  /** In bytes from the beginning of q, of k and of the stats. */
  readonly query: number;
  readonly key: number;
  readonly stat: number;
  /** Of those that add to the key head's gradients, the first: it covers all keys. */
  readonly opens: boolean;
}

/** Each sequence, each head, from the last block to the first. */
const forEachBlock = (
  { batch, length, heads, keyValueHeads, headDim, forks }: HeapAttentionShape,
  visit: (block: AttentionBlock) => void,
): void => {
  const [wide, narrow] = [heads * headDim, keyValueHeads * headDim];
  const group = heads / keyValueHeads;
  const last = Math.floor((length - 1) / BLOCK) * BLOCK;
  for (let sequence = 0; sequence < batch; sequence++) {
    const fork = forks?.[2 * sequence] ?? length;
    const resume = forks?.[2 * sequence + 1] ?? length;
    for (let head = 0; head < heads; head++) {
      const key = 4 * (sequence * length * narrow + Math.floor(head / group) * headDim);
      for (let first = last; first >= 0; first -= BLOCK) {
        const rows = Math.min(BLOCK, length - first);
        visit({
          first,
          rows,
          limit: first + rows,
          fork,
          resume,
          query: 4 * ((sequence * length + first) * wide + head * headDim),
          key,
          stat: 8 * ((sequence * heads + head) * length + first),
          opens: first === last && head % group === 0,
        });
      }
    }
  }
};

/** Floats between rows of a block's scores: the kernels write whole vectors. */
const strideOf = (length: number): number => Math.ceil(length / 8) * 8;

/** Memory for a block's scores, or their slopes. It begins where a vector may. */
const blockScratch = (purpose: string, stride: number): number =>
  Math.ceil(activeHeap().scratch(purpose, 4 * BLOCK * stride + 16) / 16) * 16;

/** Mixed values to `out` and two numbers a row to `stats` [batch·heads·length, 2]; arguments are byte offsets. */
export const attendOnHeap = (
  q: number,
  k: number,
  v: number,
  out: number,
  stats: number,
  shape: HeapAttentionShape,
): void => {
  const { length, heads, keyValueHeads, headDim } = shape;
  const [wide, narrow] = [heads * headDim, keyValueHeads * headDim];
  const stride = strideOf(length);
  const scores = blockScratch('attention-scores', stride);
  const scale = 1 / Math.sqrt(headDim);
  const gemm = heapGemm();
  const { causalSoftmax } = kernelModule();
  forEachBlock(shape, ({ first, rows, limit, fork, resume, query, key, stat }) => {
    gemm(false, true, rows, limit, headDim, scale, q + query, wide, k + key, narrow, 0, scores, stride);
    causalSoftmax(scores, stride, first, rows, fork, resume, stats + stat);
    gemm(false, false, rows, headDim, limit, 1, scores, stride, v + key, narrow, 0, out + query, wide);
  });
};

/** dq, dk and dv from what `attendOnHeap` read and left; the heads of a group add up in their key head. */
export const attendBackOnHeap = (
  { q, k, v, stats, dy }: Readonly<Record<'q' | 'k' | 'v' | 'stats' | 'dy', number>>,
  { dq, dk, dv }: Readonly<Record<'dq' | 'dk' | 'dv', number>>,
  shape: HeapAttentionShape,
): void => {
  const { length, heads, keyValueHeads, headDim } = shape;
  const [wide, narrow] = [heads * headDim, keyValueHeads * headDim];
  const stride = strideOf(length);
  const weights = blockScratch('attention-scores', stride);
  const slopes = blockScratch('attention-score-slopes', stride);
  const scale = 1 / Math.sqrt(headDim);
  const gemm = heapGemm();
  const { causalSoftmaxGrad } = kernelModule();
  forEachBlock(shape, ({ first, rows, limit, fork, resume, query, key, stat, opens }) => {
    const beta = opens ? 0 : 1;
    gemm(false, true, rows, limit, headDim, scale, q + query, wide, k + key, narrow, 0, weights, stride);
    gemm(false, true, rows, limit, headDim, 1, dy + query, wide, v + key, narrow, 0, slopes, stride);
    causalSoftmaxGrad(weights, slopes, stride, first, rows, fork, resume, stats + stat, scale);
    gemm(true, false, limit, headDim, rows, 1, weights, stride, dy + query, wide, beta, dv + key, narrow);
    gemm(false, false, rows, headDim, limit, 1, slopes, stride, k + key, narrow, 0, dq + query, wide);
    gemm(true, false, limit, headDim, rows, 1, slopes, stride, q + query, wide, beta, dk + key, narrow);
  });
};

export const registerCausalAttention = (): void => {
  registerWasmKernel(ATTENTION, ({ inputs, attrs }) => {
    const { q, k, v } = inputs as Record<'q' | 'k' | 'v', TensorInfo>;
    const shape = attrs as unknown as HeapAttentionShape;
    const heap = activeHeap();
    const mixed = heap.allocate([...q.shape]);
    const stats = heap.allocate([shape.batch * shape.heads * shape.length, 2]);
    const at = heap.offset;
    attendOnHeap(at(q), at(k), at(v), at(mixed), at(stats), shape);
    return [mixed, stats];
  });
  registerWasmKernel(ATTENTION_GRADIENT, ({ inputs, attrs }) => {
    const { q, k, v, stats, dy } = inputs as Record<'q' | 'k' | 'v' | 'stats' | 'dy', TensorInfo>;
    const heap = activeHeap();
    const [dq, dk, dv] = [
      heap.allocate([...q.shape]),
      heap.allocate([...k.shape]),
      heap.allocate([...v.shape]),
    ];
    const at = heap.offset;
    attendBackOnHeap(
      { q: at(q), k: at(k), v: at(v), stats: at(stats), dy: at(dy) },
      { dq: at(dq), dk: at(dk), dv: at(dv) },
      attrs as unknown as HeapAttentionShape,
    );
    return [dq, dk, dv];
  });
};
