import { tf } from '../engine/index.js';

/**
 * −log σ(m) elementwise, finite for any m, with the gradient −σ(−m). The gradient is given and not derived: through
 * |m| it would be 0 at m = 0, which is where every DPO run begins.
 */
export const negativeLogSigmoid = (margins: tf.Tensor1D): tf.Tensor1D =>
  tf.customGrad((x, save) => {
    const m = x as tf.Tensor;
    (save as (saved: tf.Tensor[]) => void)([m]);
    const value = tf.add(tf.relu(tf.neg(m)), tf.log(tf.add(tf.exp(tf.neg(tf.abs(m))), 1)));
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.neg(tf.mul(dy, tf.sigmoid(tf.neg(saved[0] ?? m)))),
    };
  })(margins) as tf.Tensor1D;
