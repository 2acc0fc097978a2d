/**
 * Matrix products on the wasm heap. C [m, n] = alpha · op(A) [m, k] · op(B) [k, n] + beta · C, row-major; matrices are
 * byte offsets on the heap, `ld…` the lengths of stored rows. Which implementation runs is the engine's choice.
 */

import { UsageError } from '../base/index.js';
import type { NativeBlas } from '../linalg/index.js';
import { activeHeap } from './heap.js';
import { kernelModule } from './kernels/module.js';

export type HeapGemm = (
  transA: boolean,
  transB: boolean,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  lda: number,
  b: number,
  ldb: number,
  beta: number,
  c: number,
  ldc: number,
) => void;

let active: HeapGemm | undefined;

/** Chooses the products of all kernels. */
export const useHeapGemm = (gemm: HeapGemm): void => {
  active = gemm;
};

/** @throws {UsageError} before an engine on the heap is started */
export const heapGemm = (): HeapGemm => {
  if (active === undefined)
    throw new UsageError('no engine is started', { hint: 'await startEngine(…) first' });
  return active;
};

/** Products in WebAssembly SIMD, as fast for transposed operands as for plain ones. */
export const portableHeapGemm = (): HeapGemm => {
  const kernels = kernelModule();
  const heap = activeHeap();
  const bytes = kernels.gemmScratchBytes();
  return (transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
    const scratch = heap.scratch('gemm', bytes);
    kernels.gemm(transA ? 1 : 0, transB ? 1 : 0, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, scratch);
  };
};

/** The native library's sgemm on the heap: addresses are taken anew whenever the heap has grown. */
export const nativeHeapGemm = (blas: NativeBlas): HeapGemm => {
  const { memory } = activeHeap();
  let buffer: ArrayBuffer | undefined;
  let base = 0;
  return (transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
    if (memory.buffer !== buffer) {
      buffer = memory.buffer;
      base = blas.addressOf(new Uint8Array(buffer));
    }
    blas.sgemmAt(transA, transB, m, n, k, alpha, base + a, lda, base + b, ldb, beta, base + c, ldc);
  };
};
