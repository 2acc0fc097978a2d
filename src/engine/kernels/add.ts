/** `Add` of two float tensors of one shape, in SIMD: what residual streams and gradients are summed by. */

import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import { activeHeap } from '../heap.js';
import { tf } from '../tf.js';
import { kernelModule } from './module.js';
import { registerWasmKernel, stockKernel } from './register.js';

export const registerAdd = (): void => {
  const stock = stockKernel(tf.Add);
  const add: KernelFunc = (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', TensorInfo>;
    const floats = a.dtype === 'float32' && b.dtype === 'float32';
    if (!floats || !tf.util.arraysEqual(a.shape, b.shape)) return stock(call);
    const heap = activeHeap();
    const out = heap.allocate([...a.shape]);
    const at = heap.offset;
    kernelModule().add(at(a), at(b), at(out), tf.util.sizeFromShape(a.shape));
    return out;
  };
  registerWasmKernel(tf.Add, add);
};
