/** The kernels of our own in WebAssembly SIMD (see `assembly/`), on the heap of tfjs's wasm backend. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { ResourceError } from '../../base/index.js';
import { activeHeap, type HeapMemory } from '../heap.js';

/** Byte offsets on the heap, sizes and factors; the file of each name in `assembly/` says what they are. */
export interface KernelModule {
  adamw(
    parameter: number,
    gradient: number,
    first: number,
    second: number,
    size: number,
    beta1: number,
    rest1: number,
    beta2: number,
    rest2: number,
    epsilon: number,
    stepSize: number,
    keep: number,
    secondCorrection: number,
    gradScale: number,
  ): void;
  sumSquares(x: number, size: number): number;
  gemm(
    transA: number,
    transB: number,
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
    scratch: number,
  ): void;
  gemmScratchBytes(): number;
  constantBytes(): number;
  initialise(at: number): void;
  rmsNorm(x: number, gain: number, y: number, inverse: number, n: number, d: number, epsilon: number): void;
  rmsNormGrad(
    x: number,
    gain: number,
    inverse: number,
    dy: number,
    dx: number,
    dgain: number,
    base: number,
    n: number,
    d: number,
  ): void;
  rotary(
    x: number,
    cos: number,
    sin: number,
    positions: number,
    y: number,
    n: number,
    heads: number,
    half: number,
    tableRows: number,
    sign: number,
  ): number;
  gatherRows(table: number, ids: number, out: number, n: number, d: number, tableRows: number): number;
  copy(from: number, to: number, bytes: number): void;
  add(a: number, b: number, out: number, size: number): void;
  scatterAddRows(rows: number, ids: number, out: number, n: number, d: number, tableRows: number): void;
  causalSoftmax(
    scores: number,
    ld: number,
    first: number,
    rows: number,
    fork: number,
    resume: number,
    stats: number,
  ): void;
  causalSoftmaxGrad(
    scores: number,
    slopes: number,
    ld: number,
    first: number,
    rows: number,
    fork: number,
    resume: number,
    stats: number,
    scale: number,
  ): void;
  exponential(x: number, y: number, n: number): void;
  logSumExp(
    logits: number,
    targets: number,
    most: number,
    sums: number,
    picked: number,
    n: number,
    v: number,
  ): number;
  targetLogpsGrad(
    logits: number,
    targets: number,
    lse: number,
    dy: number,
    to: number,
    n: number,
    v: number,
  ): void;
  swiglu(gate: number, up: number, out: number, size: number): void;
  swigluGrad(gate: number, up: number, dy: number, dgate: number, dup: number, size: number): void;
  swigluGradInPlace(gate: number, up: number, dy: number, size: number): void;
}

interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: { memory: HeapMemory } }) => { readonly exports: unknown };
}

const webAssembly = Reflect.get(globalThis, 'WebAssembly') as WebAssemblyApi;

const readBinary = (file: string): Uint8Array => {
  // The same path from src/engine/kernels and from dist/engine/kernels.
  const path = fileURLToPath(new URL(`../../../dist/engine/kernels/${file}`, import.meta.url));
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ResourceError(`the compiled kernels are missing: ${path}`, {
      hint: 'npm run build:kernels',
      cause: error,
    });
  }
};

/** Whether this runtime takes the build with fused multiply-add: Node 22 does, Node 20 once its flag is set. */
const takesFused = (binary: Uint8Array): boolean => {
  if (webAssembly.validate(binary)) return true;
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  return webAssembly.validate(binary);
};

/** The module's bytes: with fused multiply-add where the runtime has it, unless `DSTEER_WASM_FUSED=0`. */
const chooseBinary = (): Uint8Array => {
  if (process.env['DSTEER_WASM_FUSED'] !== '0') {
    const fused = readBinary('kernels-fused.wasm');
    if (takesFused(fused)) return fused;
  }
  return readBinary('kernels.wasm');
};

const instances = new WeakMap<HeapMemory, KernelModule>();

/** The kernels on the active backend's heap. @throws {ResourceError} if they were not built */
export const kernelModule = (): KernelModule => {
  const { memory, scratch } = activeHeap();
  let kernels = instances.get(memory);
  if (kernels === undefined) {
    const module = new webAssembly.Module(chooseBinary());
    const instance = new webAssembly.Instance(module, { env: { memory } });
    kernels = instance.exports as KernelModule;
    kernels.initialise(scratch('constants', kernels.constantBytes()));
    instances.set(memory, kernels);
  }
  return kernels;
};
