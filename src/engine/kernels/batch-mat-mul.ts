/**
 * `BatchMatMul` and `_FusedMatMul` of the wasm backend, through the engine's GEMM: the stock kernels are some twenty
 * times slower on transposed and on batched operands than on plain 2-D ones.
 */

import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import { heapGemm } from '../gemm.js';
import { activeHeap } from '../heap.js';
import { tf } from '../tf.js';
import { registerWasmKernel, stockKernel } from './register.js';

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
const fromEnd = (shape: readonly number[], i: number): number => shape[shape.length - i] ?? 1;

const batchMatMul = (
  a: TensorInfo,
  b: TensorInfo,
  transA: boolean,
  transB: boolean,
): TensorInfo | undefined => {
  const gemm = heapGemm();
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
  const heap = activeHeap();
  const m = fromEnd(a.shape, transA ? 1 : 2);
  const k = fromEnd(a.shape, transA ? 2 : 1);
  const n = fromEnd(b.shape, transB ? 2 : 1);
  const outerA = a.shape.slice(0, -2);
  const outerB = b.shape.slice(0, -2);
  const [batchesA, batchesB] = [sizeOf(outerA), sizeOf(outerB)];
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const batches = sizeOf(outer);
  const spread = (from: number): boolean => from === batches || from === 1;
  if (!spread(batchesA) || !spread(batchesB)) return undefined;
  const out = heap.allocate([...outer, m, n]);
  if (sizeOf(out.shape) === 0) return out;
  const [offsetA, offsetB, offsetC] = [heap.offset(a), heap.offset(b), heap.offset(out)];
  const [lda, ldb] = [transA ? m : k, transB ? k : n];
  if (batchesB === 1 && !transA) {
    gemm(false, transB, batches * m, n, k, 1, offsetA, lda, offsetB, ldb, 0, offsetC, n);
    return out;
  }
  const strideA = batchesA === 1 ? 0 : 4 * m * k;
  const strideB = batchesB === 1 ? 0 : 4 * k * n;
  for (let i = 0; i < batches; i++) {
    const [ai, bi, ci] = [offsetA + i * strideA, offsetB + i * strideB, offsetC + 4 * i * m * n];
    gemm(transA, transB, m, n, k, 1, ai, lda, bi, ldb, 0, ci, n);
  }
  return out;
};

/** Overrides both kernels; to be called once. */
export const registerMatMulKernels = (): void => {
  const stock = stockKernel(tf.BatchMatMul);
  const stockFused = stockKernel(tf._FusedMatMul);
  const add = stockKernel(tf.Add);
  const product: KernelFunc = (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', TensorInfo>;
    const { transposeA, transposeB } = call.attrs as Record<'transposeA' | 'transposeB', boolean>;
    return batchMatMul(a, b, transposeA, transposeB) ?? stock(call);
  };
  const fused: KernelFunc = (call) => {
    const { a, b, bias, preluActivationWeights } = call.inputs;
    const { transposeA, transposeB, activation } = call.attrs as Record<string, unknown>;
    const plain = preluActivationWeights === undefined && (!activation || activation === 'linear');
    const result = plain && a && b ? batchMatMul(a, b, transposeA === true, transposeB === true) : undefined;
    if (result === undefined) return stockFused(call);
    if (bias === undefined) return result;
    const sum = add({ inputs: { a: result, b: bias }, backend: call.backend });
    activeHeap().release(result);
    return sum;
  };
  registerWasmKernel(tf.BatchMatMul, product);
  registerWasmKernel(tf._FusedMatMul, fused);
};
