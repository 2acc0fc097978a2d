/** Rows of a table by index; the gradient adds rows back where they came from. */

import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';
import { oneHotRows } from './one-hot-rows.js';
import { requireTensor } from './require.js';

/** The lookup in ops of the library; a product with one-hot rows where the backend cannot add rows back. */
export const composedEmbeddingLookup = (table: Tensor2D, ids: Tensor1D): Tensor2D => {
  if (tf.getKernel(tf.UnsortedSegmentSum, tf.getBackend())) return tf.gather(table, ids);
  return tf.matMul(oneHotRows(ids, table.shape[0]), table);
};

/**
 * Rows of `table` [V, d] at `ids` (int32 [N]): [N, d]. The gradient of the table is computed only if it is asked for.
 */
export const embeddingLookup = (table: Tensor2D, ids: Tensor1D): Tensor2D => {
  requireTensor('ids', ids, [ids.shape[0]], 'int32');
  return composedEmbeddingLookup(table, ids);
};

/** Rows of `x` [N, d] at `rows` (int32 [M]): [M, d]; the same mathematics, for activations. */
export const gatherRows = embeddingLookup;
