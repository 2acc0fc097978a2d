/** The gated activation of Llama's feed-forward block. */

import type { GradSaveFunc, Tensor, Tensor2D, TensorInfo } from '@tensorflow/tfjs';
import { activeHeap } from '../heap.js';
import { kernelModule } from '../kernels/module.js';
import { registerWasmKernel } from '../kernels/register.js';
import { hasKernel, runKernel, runKernelForOne } from '../kernels/run-kernel.js';
import { tf } from '../tf.js';
import { requireTensor } from './require.js';

const FORWARD = 'DsteerSwiglu';
const BACKWARD = 'DsteerSwigluGrad';

export const composedSwiglu = (gate: Tensor2D, up: Tensor2D): Tensor2D =>
  tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);

export const registerSwiglu = (): void => {
  registerWasmKernel(FORWARD, ({ inputs }) => {
    const { gate, up } = inputs as Record<'gate' | 'up', TensorInfo>;
    const heap = activeHeap();
    const out = heap.allocate([...gate.shape]);
    const at = heap.offset;
    kernelModule().swiglu(at(gate), at(up), at(out), tf.util.sizeFromShape(gate.shape));
    return out;
  });
  registerWasmKernel(BACKWARD, ({ inputs }) => {
    const { gate, up, dy } = inputs as Record<'gate' | 'up' | 'dy', TensorInfo>;
    const heap = activeHeap();
    const [dgate, dup] = [heap.allocate([...gate.shape]), heap.allocate([...up.shape])];
    const at = heap.offset;
    const size = tf.util.sizeFromShape(gate.shape);
    kernelModule().swigluGrad(at(gate), at(up), at(dy), at(dgate), at(dup), size);
    return [dgate, dup];
  });
};

/** silu(gate) · up, elementwise: [N, f] and [N, f]. */
export const swiglu = (gate: Tensor2D, up: Tensor2D): Tensor2D => {
  requireTensor('gate', gate, gate.shape);
  requireTensor('up', up, gate.shape);
  if (!hasKernel(FORWARD)) return composedSwiglu(gate, up);
  const activate = tf.customGrad((...tensors: (Tensor | GradSaveFunc)[]) => {
    const save = tensors[2] as GradSaveFunc;
    save([gate, up]);
    return {
      value: runKernelForOne<Tensor2D>(FORWARD, { gate, up }),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [g, u] = saved as [Tensor, Tensor];
        return runKernel(BACKWARD, { gate: g, up: u, dy });
      },
    };
  });
  return activate(gate, up) as Tensor2D;
};
