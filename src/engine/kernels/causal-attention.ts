/**
 * Causal attention on the heap: the products of each head read and write the [rows, heads·headDim] layout in place by
 * their strides, so that nothing is transposed; the softmax between them is ours.
 */

import type { TensorInfo } from '@tensorflow/tfjs';
import { heapGemm } from '../gemm.js';
import { activeHeap } from '../heap.js';
import { kernelModule } from './module.js';
import { registerWasmKernel } from './register.js';

export const ATTENTION = 'DsteerCausalAttention';
export const ATTENTION_GRADIENT = 'DsteerCausalAttentionGrad';

interface Shape {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
}

const FLOAT = 4;

/** Calls `each` for every head of every sequence, with byte offsets into its part of each tensor. */
const forEachHead = (
  { batch, length, heads, keyValueHeads, headDim }: Shape,
  each: (queryAt: number, keyAt: number, weightsAt: number, firstOfGroup: boolean) => void,
): void => {
  const group = heads / keyValueHeads;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const queryAt = FLOAT * headDim * (b * length * heads + h);
      const keyAt = FLOAT * headDim * (b * length * keyValueHeads + Math.floor(h / group));
      each(queryAt, keyAt, FLOAT * length * length * (b * heads + h), h % group === 0);
    }
  }
};

/** Mixed values, shaped as q, and the weights [batch·heads, length, length]. */
const forward = (q: TensorInfo, k: TensorInfo, v: TensorInfo, shape: Shape): TensorInfo[] => {
  const { batch, length, heads, keyValueHeads, headDim } = shape;
  const heap = activeHeap();
  const mixed = heap.allocate([...q.shape]);
  const weights = heap.allocate([batch * heads, length, length]);
  const [qAt, kAt, vAt, mixedAt, weightsAt] = [q, k, v, mixed, weights].map(heap.offset) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const gemm = heapGemm();
  const { causalSoftmax } = kernelModule();
  const [queryWidth, keyWidth] = [heads * headDim, keyValueHeads * headDim];
  const scale = 1 / Math.sqrt(headDim);
  forEachHead(shape, (query, key, weight) => {
    const w = weightsAt + weight;
    gemm(false, true, length, length, headDim, 1, qAt + query, queryWidth, kAt + key, keyWidth, 0, w, length);
    causalSoftmax(w, length, scale);
    gemm(
      false,
      false,
      length,
      headDim,
      length,
      1,
      w,
      length,
      vAt + key,
      keyWidth,
      0,
      mixedAt + query,
      queryWidth,
    );
  });
  return [mixed, weights];
};

/** dq, dk, dv; the heads of a group add up in their key head. */
const backward = (
  tensors: Record<'q' | 'k' | 'v' | 'weights' | 'dy', TensorInfo>,
  shape: Shape,
): TensorInfo[] => {
  const { length, heads, keyValueHeads, headDim } = shape;
  const { q, k, v, weights, dy } = tensors;
  const heap = activeHeap();
  const [dq, dk, dv] = [
    heap.allocate([...q.shape]),
    heap.allocate([...k.shape]),
    heap.allocate([...v.shape]),
  ];
  const ds = heap.scratch('attention', FLOAT * length * length);
  const [qAt, kAt, vAt, weightsAt, dyAt] = [q, k, v, weights, dy].map(heap.offset) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const [dqAt, dkAt, dvAt] = [dq, dk, dv].map(heap.offset) as [number, number, number];
  const gemm = heapGemm();
  const { causalSoftmaxGrad } = kernelModule();
  const [queryWidth, keyWidth] = [heads * headDim, keyValueHeads * headDim];
  const scale = 1 / Math.sqrt(headDim);
  const t = length;
  forEachHead(shape, (query, key, weight, firstOfGroup) => {
    const w = weightsAt + weight;
    const d = dyAt + query;
    const beta = firstOfGroup ? 0 : 1;
    gemm(false, true, t, t, headDim, 1, d, queryWidth, vAt + key, keyWidth, 0, ds, t);
    gemm(true, false, t, headDim, t, 1, w, t, d, queryWidth, beta, dvAt + key, keyWidth);
    causalSoftmaxGrad(w, ds, t, scale);
    gemm(false, false, t, headDim, t, 1, ds, t, kAt + key, keyWidth, 0, dqAt + query, queryWidth);
    gemm(true, false, t, headDim, t, 1, ds, t, qAt + query, queryWidth, beta, dkAt + key, keyWidth);
  });
  return [dq, dk, dv];
};

export const registerCausalAttention = (): void => {
  registerWasmKernel(ATTENTION, ({ inputs, attrs }) => {
    const { q, k, v } = inputs as Record<'q' | 'k' | 'v', TensorInfo>;
    return forward(q, k, v, attrs as unknown as Shape);
  });
  registerWasmKernel(ATTENTION_GRADIENT, ({ inputs, attrs }) =>
    backward(inputs as Record<'q' | 'k' | 'v' | 'weights' | 'dy', TensorInfo>, attrs as unknown as Shape),
  );
};
