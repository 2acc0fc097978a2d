/** Layer normalisation of rows, with bias. */

import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';
import { requireTensor } from './require.js';
import { rmsNorm } from './rms-norm.js';

const subtractMeans = (x: Tensor): Tensor => tf.sub(x, tf.mean(x, -1, true));

/** Rows less their mean: a symmetric projection, so that its gradient is the same projection. */
const centreRows = (x: Tensor2D): Tensor2D =>
  tf.customGrad((input) => ({ value: subtractMeans(input as Tensor), gradFunc: subtractMeans }))(
    x,
  ) as Tensor2D;

/**
 * (x − mean(x)) / √(var(x) + epsilon) · gain + bias a row: x [N, d], gain and bias [d], var the biased variance. That is
 * the root-mean-square norm of the centred row, plus the bias.
 */
export const layerNorm = (x: Tensor2D, gain: Tensor1D, bias: Tensor1D, epsilon: number): Tensor2D => {
  requireTensor('x', x, x.shape);
  requireTensor('bias', bias, x.shape.slice(1));
  return tf.add(rmsNorm(centreRows(x), gain, epsilon), bias) as Tensor2D;
};
