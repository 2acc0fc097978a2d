/** `Identity` that shares memory, as on other backends: the stock kernel copies every tensor saved for a gradient. */

import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import { activeHeap } from '../heap.js';
import { tf } from '../tf.js';
import { registerWasmKernel, stockKernel } from './register.js';

export const registerIdentity = (): void => {
  const stock = stockKernel(tf.Identity);
  const identity: KernelFunc = (call) => {
    const { x } = call.inputs as Record<'x', TensorInfo>;
    if (x.dtype === 'string') return stock(call);
    activeHeap().backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  };
  registerWasmKernel(tf.Identity, identity);
};
