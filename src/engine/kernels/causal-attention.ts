/**
 * Causal attention on the heap, in the [rows, heads·headDim] layout by its strides: nothing is transposed, no matrix of
 * all weights is made.
 */

import type { TensorInfo } from '@tensorflow/tfjs';
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
  readonly forks?: Int32Array;
}

/** Byte offset of the forks on the heap, 0 for none; good until the next call. */
const placeForks = ({ forks }: HeapAttentionShape): number => {
  if (forks === undefined) return 0;
  const heap = activeHeap();
  const at = heap.scratch('attention-forks', forks.byteLength);
  heap.integers(at, forks.length).set(forks);
  return at;
};

const scratchFor = (length: number): number =>
  activeHeap().scratch('attention', kernelModule().attentionScratchBytes(length));

/** Mixed values to `out` and two numbers a row to `stats` [batch·heads·length, 2]; arguments are byte offsets. */
export const attendOnHeap = (
  q: number,
  k: number,
  v: number,
  out: number,
  stats: number,
  shape: HeapAttentionShape,
): void => {
  const { batch, length, heads, keyValueHeads, headDim } = shape;
  const scratch = scratchFor(length);
  const forks = placeForks(shape);
  const scale = 1 / Math.sqrt(headDim);
  const { causalAttention } = kernelModule();
  causalAttention(
    q,
    k,
    v,
    out,
    stats,
    forks,
    0,
    batch,
    length,
    heads,
    keyValueHeads,
    headDim,
    scale,
    scratch,
  );
};

/** dq, dk and dv from what `attendOnHeap` read and left. */
export const attendBackOnHeap = (
  { q, k, v, stats, dy }: Readonly<Record<'q' | 'k' | 'v' | 'stats' | 'dy', number>>,
  { dq, dk, dv }: Readonly<Record<'dq' | 'dk' | 'dv', number>>,
  shape: HeapAttentionShape,
): void => {
  const { batch, length, heads, keyValueHeads, headDim } = shape;
  const scratch = scratchFor(length);
  const forks = placeForks(shape);
  kernelModule().causalAttentionGrad(
    q,
    k,
    v,
    stats,
    dy,
    dq,
    dk,
    dv,
    forks,
    0,
    batch,
    length,
    heads,
    keyValueHeads,
    headDim,
    1 / Math.sqrt(headDim),
    scratch,
  );
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
