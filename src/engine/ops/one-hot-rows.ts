/** One-hot rows; unlike the library's own, of any width, 1 included. */

import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

/** [N, width]: 1 in column `ids[i]` of row i, 0 elsewhere; ids int32 [N]. */
export const oneHotRows = (ids: Tensor1D, width: number): Tensor2D =>
  tf.cast(tf.equal(tf.reshape(ids, [-1, 1]), tf.range(0, width, 1, 'int32')), 'float32') as Tensor2D;
