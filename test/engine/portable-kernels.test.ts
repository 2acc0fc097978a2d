/** The kernels without fused multiply-add, which other suites do not see where the runtime has it. */

import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import { heapGemm } from '../../src/engine/gemm.js';
import { activeHeap } from '../../src/engine/heap.js';
import { startEngine } from '../../src/engine/index.js';
import { kernelModule } from '../../src/engine/kernels/module.js';

describe('kernels in plain SIMD', () => {
  beforeAll(async () => {
    vi.stubEnv('DSTEER_WASM_FUSED', '0');
    await startEngine('wasm');
  });

  it('compute exponentials to within one part in a million', () => {
    const heap = activeHeap();
    const n = 10_001;
    const [x, y] = [heap.allocate([n]), heap.allocate([n])];
    const powers = Float32Array.from({ length: n }, (_, i) => -86.8 + (i * 175) / (n - 1));
    heap.floats(heap.offset(x), n).set(powers);
    kernelModule().exponential(heap.offset(x), heap.offset(y), n);
    let worst = 0;
    heap.floats(heap.offset(y), n).forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value / Math.exp(powers[i] ?? Number.NaN) - 1));
    });
    expect(worst).toBeLessThan(1e-6);
    heap.release(x);
    heap.release(y);
  });

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('multiply matrices with transposition %s, %s', (transA, transB) => {
    const heap = activeHeap();
    const [m, n, k] = [133, 21, 261];
    const random = createRandom('portable');
    const [a, b, c] = [heap.allocate([m * k]), heap.allocate([k * n]), heap.allocate([m * n])];
    // Nothing is allocated below, so the views stay good.
    const A = heap.floats(heap.offset(a), m * k);
    const B = heap.floats(heap.offset(b), k * n);
    A.forEach((_, i) => {
      A[i] = random.normal();
    });
    B.forEach((_, i) => {
      B[i] = random.normal();
    });
    const [lda, ldb] = [transA ? m : k, transB ? k : n];
    const gemm = heapGemm();
    gemm(transA, transB, m, n, k, 1, heap.offset(a), lda, heap.offset(b), ldb, 0, heap.offset(c), n);
    heap.floats(heap.offset(c), m * n).forEach((value, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let l = 0; l < k; l++) {
        const x = A[transA ? l * m + i : i * k + l] ?? Number.NaN;
        sum += x * (B[transB ? j * k + l : l * n + j] ?? Number.NaN);
      }
      expect(value).toBeCloseTo(sum, 3);
    });
    for (const tensor of [a, b, c]) heap.release(tensor);
  });
});
