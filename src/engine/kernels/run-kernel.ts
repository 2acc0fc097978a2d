/** Calling kernels of our own on the active backend. */

import type { NamedAttrMap, NamedTensorMap, Tensor } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

/** Whether the active backend has a kernel of that name. */
export const hasKernel = (name: string): boolean => tf.getKernel(name, tf.getBackend()) !== undefined;

/** The outputs of a kernel, which the surrounding tidy or the caller disposes. */
export const runKernel = (name: string, inputs: NamedTensorMap, attributes: NamedAttrMap = {}): Tensor[] => {
  const outputs: Tensor | Tensor[] = tf.engine().runKernel(name, inputs, attributes);
  return Array.isArray(outputs) ? outputs : [outputs];
};

/** `runKernel` for a kernel of one output. */
export const runKernelForOne = <T extends Tensor>(
  name: string,
  inputs: NamedTensorMap,
  attributes: NamedAttrMap = {},
): T => tf.engine().runKernel(name, inputs, attributes) as T;
