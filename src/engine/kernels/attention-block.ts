/** The attention block on the heap: what one part leaves is read by the next, and no operation stands between. */

import type { TensorInfo } from '@tensorflow/tfjs';
import { InputError } from '../../base/index.js';
import { activeHeap } from '../heap.js';
import { attendBackOnHeap, attendOnHeap, type HeapAttentionShape } from './causal-attention.js';
import { heapMatrix, multiply } from './heap-matrix.js';
import { kernelModule } from './module.js';
import { registerWasmKernel } from './register.js';

export const ATTENTION_BLOCK = 'DsteerAttentionBlock';
export const ATTENTION_BLOCK_GRADIENT = 'DsteerAttentionBlockGrad';

type Inputs = 'x' | 'gain' | 'query' | 'key' | 'value' | 'output' | 'cos' | 'sin' | 'positions';
type Kept = 'normed' | 'inverse' | 'q' | 'k' | 'v' | 'mixed' | 'stats';

interface Attributes extends HeapAttentionShape {
  readonly epsilon: number;
  /** Whether the gradients of query, key, value and output are asked for. */
  readonly wants?: readonly boolean[];
}

/** Turns rows in place; returns the first whose position has no angles, or −1. */
const turn = (
  rows: number,
  { cos, sin, positions }: Record<'cos' | 'sin' | 'positions', TensorInfo>,
  heads: number,
  sign: number,
): number => {
  const at = activeHeap().offset;
  const [tableRows = 0, half = 0] = cos.shape;
  const [n = 0] = positions.shape;
  return kernelModule().rotary(rows, at(cos), at(sin), at(positions), rows, n, heads, half, tableRows, sign);
};

/** The result, and what the gradient needs: `Kept` in that order. */
const forward = (inputs: Record<Inputs, TensorInfo>, attributes: Attributes): TensorInfo[] => {
  const { x, gain, query, key, value, output } = inputs;
  const { batch, length, heads, keyValueHeads, headDim } = attributes;
  const [n = 0, d = 0] = x.shape;
  const [wide, narrow] = [heads * headDim, keyValueHeads * headDim];
  const heap = activeHeap();
  const [y, normed, inverse] = [heap.allocate([n, d]), heap.allocate([n, d]), heap.allocate([n])];
  const [q, k, v] = [heap.allocate([n, wide]), heap.allocate([n, narrow]), heap.allocate([n, narrow])];
  const [mixed, stats] = [heap.allocate([n, wide]), heap.allocate([batch * heads * length, 2])];
  const made = [y, normed, inverse, q, k, v, mixed, stats];
  const at = heap.offset;
  const kernels = kernelModule();
  kernels.rmsNorm(at(x), at(gain), at(normed), at(inverse), n, d, attributes.epsilon);
  const input = heapMatrix(at(normed), n, d);
  const project = (out: TensorInfo, weight: TensorInfo, width: number): void =>
    multiply(heapMatrix(at(out), n, width), input, heapMatrix(at(weight), width, d), { transposeB: true });
  project(q, query, wide);
  project(k, key, narrow);
  project(v, value, narrow);
  const faulty = Math.max(turn(at(q), inputs, heads, 1), turn(at(k), inputs, keyValueHeads, 1));
  if (faulty >= 0) {
    for (const tensor of made) heap.release(tensor);
    throw new InputError(
      `row ${faulty}: its position is outside the ${inputs.cos.shape[0]} that have angles`,
    );
  }
  attendOnHeap(at(q), at(k), at(v), at(mixed), at(stats), attributes);
  kernels.copy(at(x), at(y), 4 * n * d);
  multiply(heapMatrix(at(y), n, d), heapMatrix(at(mixed), n, wide), heapMatrix(at(output), d, wide), {
    transposeB: true,
    accumulate: true,
  });
  return made;
};

/** dx, dgain, dquery, dkey, dvalue, doutput. */
const backward = (inputs: Record<Inputs | Kept | 'dy', TensorInfo>, attributes: Attributes): TensorInfo[] => {
  const { x, gain, query, key, value, output, normed, inverse, q, k, v, mixed, stats, dy } = inputs;
  const { heads, keyValueHeads, headDim, wants = [] } = attributes;
  const [n = 0, d = 0] = x.shape;
  const [wide, narrow] = [heads * headDim, keyValueHeads * headDim];
  const [wantsQuery = true, wantsKey = true, wantsValue = true, wantsOutput = true] = wants;
  const heap = activeHeap();
  const [dx, dgain] = [heap.allocate([n, d]), heap.allocate([d])];
  const weightGradient = (wanted: boolean, shape: number[]): TensorInfo =>
    heap.allocate(wanted ? shape : [0]);
  const dquery = weightGradient(wantsQuery, [wide, d]);
  const dkey = weightGradient(wantsKey, [narrow, d]);
  const dvalue = weightGradient(wantsValue, [narrow, d]);
  const doutput = weightGradient(wantsOutput, [d, wide]);
  const dmixed = heapMatrix(heap.scratch('attention-mixed', 4 * n * wide), n, wide);
  const dq = heapMatrix(heap.scratch('attention-queries', 4 * n * wide), n, wide);
  const dk = heapMatrix(heap.scratch('attention-keys', 4 * n * narrow), n, narrow);
  const dv = heapMatrix(heap.scratch('attention-values', 4 * n * narrow), n, narrow);
  const slopes = heapMatrix(heap.scratch('attention-slopes', 4 * n * d), n, d);
  const at = heap.offset;
  const above = heapMatrix(at(dy), n, d);
  multiply(dmixed, above, heapMatrix(at(output), d, wide));
  attendBackOnHeap(
    { q: at(q), k: at(k), v: at(v), stats: at(stats), dy: dmixed.at },
    { dq: dq.at, dk: dk.at, dv: dv.at },
    attributes,
  );
  // The transpose of a rotation is the rotation back.
  turn(dq.at, inputs, heads, -1);
  turn(dk.at, inputs, keyValueHeads, -1);
  const input = heapMatrix(at(normed), n, d);
  const backTo = (out: TensorInfo, from: typeof dq): void =>
    multiply(heapMatrix(at(out), from.columns, d), from, input, { transposeA: true });
  if (wantsQuery) backTo(dquery, dq);
  if (wantsKey) backTo(dkey, dk);
  if (wantsValue) backTo(dvalue, dv);
  if (wantsOutput) {
    multiply(heapMatrix(at(doutput), d, wide), above, heapMatrix(at(mixed), n, wide), { transposeA: true });
  }
  multiply(slopes, dq, heapMatrix(at(query), wide, d));
  multiply(slopes, dk, heapMatrix(at(key), narrow, d), { accumulate: true });
  multiply(slopes, dv, heapMatrix(at(value), narrow, d), { accumulate: true });
  kernelModule().rmsNormGrad(at(x), at(gain), at(inverse), slopes.at, at(dx), at(dgain), at(dy), n, d);
  return [dx, dgain, dquery, dkey, dvalue, doutput];
};

export const registerAttentionBlock = (): void => {
  registerWasmKernel(ATTENTION_BLOCK, ({ inputs, attrs }) =>
    forward(inputs as Record<Inputs, TensorInfo>, attrs as unknown as Attributes),
  );
  registerWasmKernel(ATTENTION_BLOCK_GRADIENT, ({ inputs, attrs }) =>
    backward(inputs as Record<Inputs | Kept | 'dy', TensorInfo>, attrs as unknown as Attributes),
  );
};
