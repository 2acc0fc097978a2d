/** Root-mean-square normalisation of rows. */

import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D, TensorInfo } from '@tensorflow/tfjs';
import { activeHeap } from '../heap.js';
import { kernelModule } from '../kernels/module.js';
import { registerWasmKernel } from '../kernels/register.js';
import { hasKernel, runKernel } from '../kernels/run-kernel.js';
import { tf } from '../tf.js';
import { requireTensor } from './require.js';

const FORWARD = 'DsteerRmsNorm';
const BACKWARD = 'DsteerRmsNormGrad';

export const composedRmsNorm = (x: Tensor2D, gain: Tensor1D, epsilon: number): Tensor2D =>
  tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon))), gain);

export const registerRmsNorm = (): void => {
  registerWasmKernel(FORWARD, ({ inputs, attrs }) => {
    const { x, gain } = inputs as Record<'x' | 'gain', TensorInfo>;
    const [n = 0, d = 0] = x.shape;
    const heap = activeHeap();
    const [y, inverse] = [heap.allocate([n, d]), heap.allocate([n])];
    const at = heap.offset;
    kernelModule().rmsNorm(at(x), at(gain), at(y), at(inverse), n, d, Number(attrs?.['epsilon']));
    return [y, inverse];
  });
  registerWasmKernel(BACKWARD, ({ inputs }) => {
    const { x, gain, inverse, dy } = inputs as Record<'x' | 'gain' | 'inverse' | 'dy', TensorInfo>;
    const [n = 0, d = 0] = x.shape;
    const heap = activeHeap();
    const [dx, dgain] = [heap.allocate([n, d]), heap.allocate([d])];
    const at = heap.offset;
    kernelModule().rmsNormGrad(at(x), at(gain), at(inverse), at(dy), at(dx), at(dgain), 0, n, d);
    return [dx, dgain];
  });
};

/** x / √(mean(x²) + epsilon) · gain a row: x [N, d], gain [d]. */
export const rmsNorm = (x: Tensor2D, gain: Tensor1D, epsilon: number): Tensor2D => {
  requireTensor('x', x, x.shape);
  requireTensor('gain', gain, x.shape.slice(1));
  if (!hasKernel(FORWARD)) return composedRmsNorm(x, gain, epsilon);
  const normalise = tf.customGrad((...tensors: (Tensor | GradSaveFunc)[]) => {
    const save = tensors[2] as GradSaveFunc;
    const [y, inverse] = runKernel(FORWARD, { x, gain }, { epsilon }) as [Tensor, Tensor];
    save([x, gain, inverse]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [input, scale, factor] = saved as [Tensor, Tensor, Tensor];
        return runKernel(BACKWARD, { x: input, gain: scale, inverse: factor, dy });
      },
    };
  });
  return normalise(x, gain) as Tensor2D;
};
