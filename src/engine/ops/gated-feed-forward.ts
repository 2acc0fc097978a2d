/** Llama's feed-forward block with its norm and its residual, as one operation. */

import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { FEED_FORWARD, FEED_FORWARD_GRADIENT } from '../kernels/gated-feed-forward.js';
import { hasKernel, runKernel } from '../kernels/run-kernel.js';
import { tf } from '../tf.js';
import { mayWantGradient } from '../wanted-gradients.js';
import { isAdapted, linear } from './linear.js';
import { requireTensor } from './require.js';
import { rmsNorm } from './rms-norm.js';
import { swiglu } from './swiglu.js';

export interface GatedFeedForwardWeights {
  /** Of the norm: [d]. */
  readonly gain: Tensor1D;
  /** [f, d]. */
  readonly gate: Tensor2D;
  /** [f, d]. */
  readonly up: Tensor2D;
  /** [d, f]. */
  readonly down: Tensor2D;
}

export const composedGatedFeedForward = (
  x: Tensor2D,
  { gain, gate, up, down }: GatedFeedForwardWeights,
  epsilon: number,
): Tensor2D => {
  const normed = rmsNorm(x, gain, epsilon);
  return tf.add(x, linear(swiglu(linear(normed, gate), linear(normed, up)), down));
};

/** x + down(silu(gate(n)) · up(n)) with n = rmsNorm(x): x [N, d], the result too. */
export const gatedFeedForward = (
  x: Tensor2D,
  weights: GatedFeedForwardWeights,
  epsilon: number,
): Tensor2D => {
  const { gain, gate, up, down } = weights;
  const d = x.shape[1];
  const f = gate.shape[0];
  requireTensor('x', x, [x.shape[0], d]);
  requireTensor('gain', gain, [d]);
  requireTensor('gate', gate, [f, d]);
  requireTensor('up', up, [f, d]);
  requireTensor('down', down, [d, f]);
  if (!hasKernel(FEED_FORWARD) || [gate, up, down].some(isAdapted))
    return composedGatedFeedForward(x, weights, epsilon);
  const wants = [gate, up, down].map(mayWantGradient);
  const run = tf.customGrad((...tensors: (Tensor | GradSaveFunc)[]) => {
    const save = tensors[5] as GradSaveFunc;
    const inputs = { x, gain, gate, up, down };
    const [y, ...kept] = runKernel(FEED_FORWARD, inputs, { epsilon }) as [Tensor, ...Tensor[]];
    save([x, gain, gate, up, down, ...kept]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const names = ['x', 'gain', 'gate', 'up', 'down', 'normed', 'inverse', 'gated', 'raised'];
        const all = Object.fromEntries(names.map((name, i) => [name, saved[i] ?? dy]));
        return runKernel(FEED_FORWARD_GRADIENT, { ...all, dy }, { wants });
      },
    };
  });
  return run(x, gain, gate, up, down) as Tensor2D;
};
