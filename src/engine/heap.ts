/** The wasm backend's heap: where its tensors lie, and memory for kernels of our own beside them. */

import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { ResourceError } from '../base/index.js';
import { tf } from './tf.js';

/** A `WebAssembly.Memory`. Its buffer is another one each time it grows. */
export interface HeapMemory {
  readonly buffer: ArrayBuffer;
}

/** The part of the emscripten module that its published type leaves out. */
interface EmscriptenModule {
  readonly asm: { readonly memory: HeapMemory };
  _malloc(bytes: number): number;
  _free(offset: number): void;
}

export interface Heap {
  readonly backend: BackendWasm;
  readonly memory: HeapMemory;
  /** A new tensor; its content is whatever was there. Allocation may grow the heap, which detaches every view. */
  allocate(shape: number[], dtype?: DataType): TensorInfo;
  release(tensor: TensorInfo): void;
  /** Byte offset of a tensor's first element: stays right when the heap grows. */
  offset(tensor: TensorInfo): number;
  /** Byte offset of scratch memory of at least that many bytes; each purpose has one block, valid until its next call. */
  scratch(purpose: string, bytes: number): number;
  /** Views, made after the last allocation and not kept over the next. */
  floats(offset: number, length: number): Float32Array;
  integers(offset: number, length: number): Int32Array;
}

const heaps = new WeakMap<BackendWasm, Heap>();

/** A larger request is a negative number to emscripten's sbrk, which then shrinks the heap under live tensors. */
const LARGEST_REQUEST = 2 ** 31;

/** The backend takes offset 0, which a full heap answers, for memory: tensors would be written over each other. */
const refuseFullHeap = (module: EmscriptenModule): void => {
  // Until its first call the function is a stub, which then puts the true one in its place.
  module._free(module._malloc(8));
  const allocate = module._malloc;
  module._malloc = (bytes) => {
    const offset = bytes < LARGEST_REQUEST ? allocate(bytes) : 0;
    if (offset === 0 && bytes > 0) {
      const held = Math.round(module.asm.memory.buffer.byteLength / 2 ** 20);
      throw new ResourceError(
        `the wasm heap, of ${held} MiB, has no room for ${bytes} bytes: it grows to 4 GiB, a tensor to 2`,
        {
          hint: 'use smaller batches or a smaller model, or another engine',
        },
      );
    }
    return offset;
  };
};

const openHeap = (backend: BackendWasm): Heap => {
  const module = backend.wasm as unknown as EmscriptenModule;
  refuseFullHeap(module);
  const memory = module.asm.memory;
  const blocks = new Map<string, { readonly offset: number; readonly bytes: number }>();
  return {
    backend,
    memory,
    allocate: (shape, dtype = 'float32') => backend.makeOutput(shape, dtype),
    release: (tensor) => {
      backend.disposeData(tensor.dataId);
    },
    offset: (tensor) => backend.getMemoryOffset(tensor.dataId) >>> 0,
    scratch: (purpose, bytes) => {
      const block = blocks.get(purpose);
      if (block && block.bytes >= bytes) return block.offset;
      if (block) module._free(block.offset);
      const size = Math.ceil((bytes * 1.25) / 4096) * 4096;
      const offset = module._malloc(size) >>> 0;
      blocks.set(purpose, { offset, bytes: size });
      return offset;
    },
    floats: (offset, length) => new Float32Array(memory.buffer, offset, length),
    integers: (offset, length) => new Int32Array(memory.buffer, offset, length),
  };
};

/** The heap of the wasm backend, which must be the active one. */
export const activeHeap = (): Heap => {
  const backend = tf.backend() as BackendWasm;
  let heap = heaps.get(backend);
  if (heap === undefined) {
    heap = openHeap(backend);
    heaps.set(backend, heap);
  }
  return heap;
};
