/** Checks before a kernel runs: on the heap, a wrong shape would read another tensor's memory. */

import type { Tensor } from '@tensorflow/tfjs';
import { UsageError } from '../../base/index.js';

/** @throws {UsageError} naming the tensor, unless it has exactly that shape and type */
export const requireTensor = (
  what: string,
  tensor: Tensor,
  shape: readonly number[],
  dtype: 'float32' | 'int32' = 'float32',
): void => {
  const fits = tensor.shape.length === shape.length && shape.every((extent, i) => tensor.shape[i] === extent);
  if (!fits || tensor.dtype !== dtype) {
    throw new UsageError(
      `${what} is ${tensor.dtype} [${tensor.shape.join(', ')}] and must be ${dtype} [${shape.join(', ')}]`,
    );
  }
};
