/** Values of tensors taken from and put on the wasm heap in place, without a copy between: for threads that share them. */
import type { Tensor, Variable } from '@tensorflow/tfjs';
import { activeHeap, type Heap } from './heap.js';
import { kernelModule } from './kernels/module.js';
import { tf } from './tf.js';

const valuesOf = (heap: Heap, tensor: Tensor): Float32Array => heap.floats(heap.offset(tensor), tensor.size);

/** Gives the variable memory of its own: writing in place must not reach a tensor that shares it. */
export const ownMemory = (variable: Variable): void => {
  const heap = activeHeap();
  if (heap.backend.refCount(variable.dataId) <= 1) return;
  const copy = valuesOf(heap, variable).slice();
  tf.tidy(() => {
    variable.assign(tf.tensor(copy, variable.shape));
  });
};

/** Copies a float32 tensor's values; `target` is as long. The engine's tensors must lie on the heap. */
export const readValues = (tensor: Tensor, target: Float32Array): void => {
  target.set(valuesOf(activeHeap(), tensor));
};

/** Sets a variable's values in place. */
export const writeValues = (variable: Variable, values: Float32Array): void => {
  ownMemory(variable);
  valuesOf(activeHeap(), variable).set(values);
};

/** A float32 tensor plus as many numbers: in place, unless its memory is shared. The caller has only the result to dispose. */
export const plusValues = <T extends Tensor>(tensor: T, values: Float32Array): T => {
  const heap = activeHeap();
  const addend = heap.scratch('addend', values.byteLength);
  heap.floats(addend, values.length).set(values);
  const isShared = heap.backend.refCount(tensor.dataId) > 1;
  const result = isShared ? (tf.zerosLike(tensor) as T) : tensor;
  kernelModule().add(heap.offset(tensor), addend, heap.offset(result), values.length);
  if (isShared) tensor.dispose();
  return result;
};
