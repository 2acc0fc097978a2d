/** ΔH in its leading right singular directions, from the eigenpairs of its smaller Gram matrix. */
import { type DenseAlgebra, type Matrix, matrix, type SymmetricEigen, smallerSide } from '../linalg/index.js';

export interface LeadingCoordinates {
  /** Each row of ΔH in the leading directions [n, k]. */
  readonly coordinates: Matrix;
  /** A vector of those coordinates [k] as one of the hidden space [d]. */
  toHidden(vector: Float64Array): Float64Array;
}

/**
 * @param eigen of the Gram matrix over ΔH's smaller side
 * @param count k: directions kept; those without energy have no coordinates but 0
 */
export const leadingCoordinates = (
  delta: Matrix,
  { values, vectors }: SymmetricEigen,
  count: number,
  algebra: DenseAlgebra,
): LeadingCoordinates => {
  const leading = matrix(count, vectors.columns, vectors.data.slice(0, count * vectors.columns));
  const rowTimes = (row: Float64Array, x: Matrix): Float64Array =>
    algebra.multiply(matrix(1, row.length, row), x, false, false).data;
  if (smallerSide(delta) === 'columns') {
    return {
      coordinates: algebra.multiply(delta, leading, false, true),
      toHidden: (vector) => rowTimes(vector, leading),
    };
  }
  const sigmas = Float64Array.from({ length: count }, (_, k) => Math.sqrt(Math.max(0, values[k] as number)));
  // Coordinate k of row i is σ_k·u_k,i; direction k is u_kᵀ·ΔH / σ_k.
  const coordinates = matrix(delta.rows, count);
  for (let i = 0; i < delta.rows; i++) {
    for (let k = 0; k < count; k++) {
      coordinates.data[i * count + k] = (sigmas[k] as number) * (leading.data[k * delta.rows + i] as number);
    }
  }
  return {
    coordinates,
    toHidden: (vector) => {
      const scaled = vector.map((value, k) => (sigmas[k] ? value / (sigmas[k] as number) : 0));
      return rowTimes(rowTimes(scaled, leading), delta);
    },
  };
};
