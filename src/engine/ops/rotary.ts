/** Rotary position embedding in Hugging Face's convention: the halves of a head are the pairs (`rotate_half`). */

import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D, TensorInfo } from '@tensorflow/tfjs';
import { InputError } from '../../base/index.js';
import { activeHeap } from '../heap.js';
import { kernelModule } from '../kernels/module.js';
import { registerWasmKernel } from '../kernels/register.js';
import { hasKernel, runKernelForOne } from '../kernels/run-kernel.js';
import { tf } from '../tf.js';
import { requireTensor } from './require.js';

const KERNEL = 'DsteerRotary';

export interface RotaryOptions {
  /** Position of each row: int32 [N], within the tables. */
  readonly positions: Tensor1D;
  readonly headDim: number;
}

export const composedRotary = (
  x: Tensor2D,
  cos: Tensor2D,
  sin: Tensor2D,
  { positions, headDim }: RotaryOptions,
): Tensor2D => {
  const rows = x.shape[0];
  const heads = x.shape[1] / headDim;
  const half = headDim / 2;
  const [first, second] = tf.split(tf.reshape(x, [rows, heads, headDim]), 2, -1) as [Tensor, Tensor];
  const c = tf.reshape(tf.gather(cos, positions), [rows, 1, half]);
  const s = tf.reshape(tf.gather(sin, positions), [rows, 1, half]);
  const turned = tf.concat(
    [tf.sub(tf.mul(first, c), tf.mul(second, s)), tf.add(tf.mul(second, c), tf.mul(first, s))],
    -1,
  );
  return tf.reshape(turned, [rows, heads * headDim]);
};

export const registerRotary = (): void => {
  registerWasmKernel(KERNEL, ({ inputs, attrs }) => {
    const { x, cos, sin, positions } = inputs as Record<'x' | 'cos' | 'sin' | 'positions', TensorInfo>;
    const [n = 0, width = 0] = x.shape;
    const [tableRows = 0, half = 0] = cos.shape;
    const heap = activeHeap();
    const y = heap.allocate([n, width]);
    const at = heap.offset;
    const faulty = kernelModule().rotary(
      at(x),
      at(cos),
      at(sin),
      at(positions),
      at(y),
      n,
      width / (2 * half),
      half,
      tableRows,
      Number(attrs?.['sign']),
    );
    if (faulty >= 0) {
      heap.release(y);
      throw new InputError(`row ${faulty}: its position is outside the ${tableRows} that have angles`);
    }
    return y;
  });
};

/**
 * Turns each pair (x[i], x[i + headDim/2]) of every head by the angle of the row's position.
 * x [N, heads·headDim]; cos, sin [P, headDim/2], constants: they get no gradient.
 */
export const rotary = (x: Tensor2D, cos: Tensor2D, sin: Tensor2D, options: RotaryOptions): Tensor2D => {
  const { positions, headDim } = options;
  const [rows, width] = x.shape;
  const heads = Math.floor(width / headDim);
  requireTensor('x', x, [rows, heads * headDim]);
  requireTensor('cos', cos, [cos.shape[0], headDim / 2]);
  requireTensor('sin', sin, cos.shape);
  requireTensor('positions', positions, [rows], 'int32');
  if (!hasKernel(KERNEL)) return composedRotary(x, cos, sin, options);
  const turn = tf.customGrad((...tensors: (Tensor | GradSaveFunc)[]) => {
    const save = tensors[1] as GradSaveFunc;
    save([cos, sin, positions]);
    return {
      value: runKernelForOne<Tensor2D>(KERNEL, { x, cos, sin, positions }, { sign: 1 }),
      // The transpose of a rotation is the rotation back.
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [cosines, sines, rows] = saved as [Tensor, Tensor, Tensor];
        const inputs = { x: dy, cos: cosines, sin: sines, positions: rows };
        return runKernelForOne<Tensor>(KERNEL, inputs, { sign: -1 });
      },
    };
  });
  return turn(x) as Tensor2D;
};
