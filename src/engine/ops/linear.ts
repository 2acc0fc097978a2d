/** A linear map by a weight in Hugging Face's layout [out, in]. */

import type { Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

export const composedLinear = (x: Tensor2D, weight: Tensor2D): Tensor2D => tf.matMul(x, weight, false, true);

/** x [N, in] · weightᵀ, with weight [out, in]: [N, out]. */
export const linear = (x: Tensor2D, weight: Tensor2D): Tensor2D => composedLinear(x, weight);
