/** Registering kernels of our own with tfjs, for its wasm backend. */

import type { KernelFunc } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

const WASM = 'wasm';

/** Registers a kernel for the wasm backend, in place of the one that is there. */
export const registerWasmKernel = (kernelName: string, kernelFunc: KernelFunc): void => {
  if (tf.getKernel(kernelName, WASM)) tf.unregisterKernel(kernelName, WASM);
  tf.registerKernel({ kernelName, backendName: WASM, kernelFunc });
};

/** The backend's own implementation: ask before overriding it. */
export const stockKernel = (kernelName: string): KernelFunc => tf.getKernel(kernelName, WASM).kernelFunc;
