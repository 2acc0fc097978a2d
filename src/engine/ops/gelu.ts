/** The Gaussian error linear unit: by its tanh formula (`gelu_new`: GPT-2, T5 v1.1), and exactly (`gelu`: GPT-NeoX). */

import type { GradSaveFunc, Tensor, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';
import { requireTensor } from './require.js';

const slope = 2 * Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** σ(2u) = (1 + tanh u) / 2 with u = √(2/π)·(x + 0.044715·x³). */
const gate = (x: Tensor): Tensor =>
  tf.sigmoid(tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), cubic), 1)), slope));

/** ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), elementwise: [N, f]. */
export const geluNew = (x: Tensor2D): Tensor2D => {
  requireTensor('x', x, x.shape);
  return tf.customGrad((input, save) => {
    const value = input as Tensor;
    const open = gate(value);
    (save as GradSaveFunc)([value, open]);
    return {
      value: tf.mul(value, open),
      // g + x·g·(1 − g)·d(2u)/dx
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, g] = saved as [Tensor, Tensor];
        const steepness = tf.mul(tf.add(tf.mul(tf.square(at), 3 * cubic), 1), slope);
        const bend = tf.mul(tf.mul(at, tf.sub(1, g)), steepness);
        return tf.mul(tf.mul(dy, g), tf.add(bend, 1));
      },
    };
  })(x) as Tensor2D;
};

/** Φ(x), the standard normal distribution function. */
const normalCdf = (x: Tensor): Tensor => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

/** φ(x), its density. */
const normalDensity = (x: Tensor): Tensor =>
  tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

/** x·Φ(x), elementwise: [N, f]. */
export const gelu = (x: Tensor2D): Tensor2D => {
  requireTensor('x', x, x.shape);
  return tf.customGrad((input, save) => {
    const value = input as Tensor;
    const cdf = normalCdf(value);
    (save as GradSaveFunc)([value, cdf]);
    return {
      value: tf.mul(value, cdf),
      // Φ(x) + x·φ(x)
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, below] = saved as [Tensor, Tensor];
        return tf.mul(dy, tf.add(below, tf.mul(at, normalDensity(at))));
      },
    };
  })(x) as Tensor2D;
};
