/** Llama's attention block with its norm and its residual, as one operation. */

import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { UsageError } from '../../base/index.js';
import { ATTENTION_BLOCK, ATTENTION_BLOCK_GRADIENT } from '../kernels/attention-block.js';
import { hasKernel, runKernel } from '../kernels/run-kernel.js';
import { tf } from '../tf.js';
import { mayWantGradient } from '../wanted-gradients.js';
import { type AttentionShape, causalAttention, requireForks } from './causal-attention.js';
import { isAdapted, linear } from './linear.js';
import { requireTensor } from './require.js';
import { rmsNorm } from './rms-norm.js';
import { rotary } from './rotary.js';

export interface AttentionBlockWeights {
  /** Of the norm: [d]. */
  readonly gain: Tensor1D;
  /** [heads·headDim, d]. */
  readonly query: Tensor2D;
  /** [keyValueHeads·headDim, d]. */
  readonly key: Tensor2D;
  /** [keyValueHeads·headDim, d]. */
  readonly value: Tensor2D;
  /** [d, heads·headDim]. */
  readonly output: Tensor2D;
}

export interface AttentionBlockOptions {
  readonly shape: AttentionShape;
  readonly epsilon: number;
  /** Angles [P, headDim/2], constants. */
  readonly cos: Tensor2D;
  readonly sin: Tensor2D;
  /** Position of each row: int32 [N], below P. */
  readonly positions: Tensor1D;
}

export const composedAttentionBlock = (
  x: Tensor2D,
  { gain, query, key, value, output }: AttentionBlockWeights,
  { shape, epsilon, cos, sin, positions }: AttentionBlockOptions,
): Tensor2D => {
  const normed = rmsNorm(x, gain, epsilon);
  const turn = (rows: Tensor2D): Tensor2D => rotary(rows, cos, sin, { positions, headDim: shape.headDim });
  const mixed = causalAttention(
    turn(linear(normed, query)),
    turn(linear(normed, key)),
    linear(normed, value),
    shape,
  );
  return tf.add(x, linear(mixed, output));
};

const requireAll = (x: Tensor2D, weights: AttentionBlockWeights, options: AttentionBlockOptions): void => {
  const { shape, cos, sin, positions } = options;
  const { batch, length, heads, keyValueHeads, headDim } = shape;
  if (heads % keyValueHeads !== 0) {
    throw new UsageError(`${heads} query heads cannot share ${keyValueHeads} key heads evenly`);
  }
  const [rows, d] = [batch * length, x.shape[1]];
  requireTensor('x', x, [rows, d]);
  requireTensor('gain', weights.gain, [d]);
  requireTensor('query', weights.query, [heads * headDim, d]);
  requireTensor('key', weights.key, [keyValueHeads * headDim, d]);
  requireTensor('value', weights.value, [keyValueHeads * headDim, d]);
  requireTensor('output', weights.output, [d, heads * headDim]);
  requireTensor('cos', cos, [cos.shape[0], headDim / 2]);
  requireTensor('sin', sin, cos.shape);
  requireTensor('positions', positions, [rows], 'int32');
  requireForks(shape);
};

const KEPT = ['normed', 'inverse', 'q', 'k', 'v', 'mixed', 'stats'] as const;

/**
 * x + output(attention(rotary(query(n)), rotary(key(n)), value(n))) with n = rmsNorm(x): x [batch·length, d], the result
 * too. See `causalAttention` for what sees what.
 */
export const attentionBlock = (
  x: Tensor2D,
  weights: AttentionBlockWeights,
  options: AttentionBlockOptions,
): Tensor2D => {
  requireAll(x, weights, options);
  const { gain, query, key, value, output } = weights;
  if (!hasKernel(ATTENTION_BLOCK) || [query, key, value, output].some(isAdapted)) {
    return composedAttentionBlock(x, weights, options);
  }
  const { shape, epsilon, cos, sin, positions } = options;
  const wants = [query, key, value, output].map(mayWantGradient);
  const attributes = { ...shape, epsilon };
  const run = tf.customGrad((...tensors: (Tensor | GradSaveFunc)[]) => {
    const save = tensors[6] as GradSaveFunc;
    const parameters = { x, gain, query, key, value, output };
    const tables = { cos, sin, positions };
    const [y, ...kept] = runKernel(ATTENTION_BLOCK, { ...parameters, ...tables }, attributes) as [
      Tensor,
      ...Tensor[],
    ];
    save([...Object.values(parameters), ...Object.values(tables), ...kept]);
    const names = [...Object.keys(parameters), ...Object.keys(tables), ...KEPT];
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const inputs = Object.fromEntries(names.map((name, i) => [name, saved[i] ?? dy]));
        return runKernel(ATTENTION_BLOCK_GRADIENT, { ...inputs, dy }, { ...attributes, wants });
      },
    };
  });
  return run(x, gain, query, key, value, output) as Tensor2D;
};
