/** The optimiser's step and the gradients' norm, on the heap. */

import type { Tensor, Variable } from '@tensorflow/tfjs';
import type { AdamWMoments, AdamWUpdate } from '../adamw-update.js';
import { activeHeap } from '../heap.js';
import { ownMemory } from '../heap-values.js';
import { ATTENTION } from './causal-attention.js';
import { kernelModule } from './module.js';
import { hasKernel } from './run-kernel.js';

/** Whether the active backend's tensors lie on the heap and our kernels are there. */
export const hasHeapKernels = (): boolean => hasKernel(ATTENTION);

export const heapAdamWUpdate = (
  variable: Variable,
  gradient: Tensor,
  moments: AdamWMoments,
  update: AdamWUpdate,
): void => {
  const heap = activeHeap();
  for (const written of [variable, moments.first, moments.second]) ownMemory(written);
  const { beta1, beta2, epsilon, stepSize, keep, secondCorrection, gradScale } = update;
  const at = heap.offset;
  kernelModule().adamw(
    at(variable),
    at(gradient),
    at(moments.first),
    at(moments.second),
    variable.size,
    beta1,
    1 - beta1,
    beta2,
    1 - beta2,
    epsilon,
    stepSize,
    keep,
    secondCorrection,
    gradScale,
  );
};

/** ‖x‖², in double precision. The engine's tensors must lie on the heap. */
export const squaredNorm = (tensor: Tensor): number =>
  kernelModule().sumSquares(activeHeap().offset(tensor), tensor.size);

export const heapGlobalNorm = (gradients: readonly Tensor[]): number =>
  Math.sqrt(gradients.reduce((sum, gradient) => sum + squaredNorm(gradient), 0));
