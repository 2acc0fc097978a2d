/** Cosines of displacements to the vectors that judge them. */

import { UsageError } from '../base/index.js';
import { cosine, type Matrix, rowOf } from '../linalg/index.js';

/**
 * cos(row i, vectorFor(i)) of each row [n]; NaN where a displacement or a vector is zero and so has no direction.
 *
 * @throws {UsageError} if a vector is not as long as a row
 */
export const cosinesToVectors = (
  delta: Matrix,
  vectorFor: (row: number) => ArrayLike<number>,
): Float64Array =>
  Float64Array.from({ length: delta.rows }, (_, i) => {
    const vector = vectorFor(i);
    if (vector.length !== delta.columns) {
      throw new UsageError(
        `displacements of width ${delta.columns} cannot be compared with a vector of ${vector.length}`,
      );
    }
    return cosine(rowOf(delta, i), vector);
  });

/** cos(row i, vector) of each row [n]; see `cosinesToVectors`. */
export const cosinesToVector = (delta: Matrix, vector: ArrayLike<number>): Float64Array =>
  cosinesToVectors(delta, () => vector);
