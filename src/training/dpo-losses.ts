import { tf } from '../engine/index.js';
import { negativeLogSigmoid } from './negative-log-sigmoid.js';

/**
 * −log σ(m) of each pair, m = β·(policy margin − reference margin) (arXiv 2305.18290, eq. 7): [n], differentiable. A
 * margin is log p(y_w | x) − log p(y_l | x).
 */
export const dpoLosses = (
  policyMargins: tf.Tensor1D,
  referenceMargins: tf.Tensor1D,
  beta: number,
): tf.Tensor1D => negativeLogSigmoid(tf.mul(tf.sub(policyMargins, referenceMargins), beta) as tf.Tensor1D);
