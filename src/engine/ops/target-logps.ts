/** Log-probabilities of given next tokens, without the caller ever holding the logits. */

import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { PICK_LOGPS, PICK_LOGPS_GRADIENT } from '../kernels/pick-logps.js';
import { hasKernel, runKernel, runKernelForOne } from '../kernels/run-kernel.js';
import { tf } from '../tf.js';
import { linear } from './linear.js';
import { oneHotRows } from './one-hot-rows.js';
import { requireTensor } from './require.js';

export const composedTargetLogps = (hidden: Tensor2D, unembedding: Tensor2D, targets: Tensor1D): Tensor1D => {
  const logps = tf.logSoftmax(tf.matMul(hidden, unembedding, false, true));
  return tf.sum(tf.mul(logps, oneHotRows(targets, unembedding.shape[0])), -1) as Tensor1D;
};

/** log softmax(logits)[target] a row. */
const pickLogps = (logits: Tensor2D, targets: Tensor1D): Tensor1D => {
  const pick = tf.customGrad((...tensors: (Tensor | GradSaveFunc)[]) => {
    const save = tensors[1] as GradSaveFunc;
    const [logps, lse] = runKernel(PICK_LOGPS, { logits, targets }) as [Tensor, Tensor];
    save([logits, lse, targets]);
    return {
      value: logps,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [scores, shift, tokens] = saved as [Tensor, Tensor, Tensor];
        return runKernelForOne<Tensor>(PICK_LOGPS_GRADIENT, {
          logits: scores,
          targets: tokens,
          lse: shift,
          dy,
        });
      },
    };
  });
  return pick(logits) as Tensor1D;
};

/** log softmax(hidden [M, d] · unembeddingᵀ)[target] a row: unembedding [V, d], targets int32 [M]; result [M]. */
export const targetLogps = (hidden: Tensor2D, unembedding: Tensor2D, targets: Tensor1D): Tensor1D => {
  requireTensor('targets', targets, [hidden.shape[0]], 'int32');
  return hasKernel(PICK_LOGPS)
    ? tf.tidy(() => pickLogps(linear(hidden, unembedding), targets))
    : composedTargetLogps(hidden, unembedding, targets);
};
