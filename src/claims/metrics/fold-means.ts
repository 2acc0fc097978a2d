/** Means by fold under weights, as a bootstrap redoes them in every draw. */
import type { Matrix } from '../../linalg/index.js';

/**
 * Σ_{i in fold} w_i x_i / Σ w_i of fold 0 and of fold 1, [d] each; NaN of a fold without weight.
 *
 * @param folds 0 or 1 a row, [n]
 * @param weights one a row, [n]
 */
export const foldMeans = (
  { rows, columns, data }: Matrix,
  folds: Uint8Array,
  weights: Float64Array,
): [Float64Array, Float64Array] => {
  const first = new Float64Array(columns);
  const second = new Float64Array(columns);
  let firstTotal = 0;
  let secondTotal = 0;
  for (let i = 0; i < rows; i++) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    const inFirst = folds[i] === 0;
    const sum = inFirst ? first : second;
    if (inFirst) firstTotal += weight;
    else secondTotal += weight;
    const start = i * columns;
    for (let j = 0; j < columns; j++) sum[j] = (sum[j] as number) + weight * (data[start + j] as number);
  }
  for (let j = 0; j < columns; j++) {
    first[j] = (first[j] as number) / firstTotal;
    second[j] = (second[j] as number) / secondTotal;
  }
  return [first, second];
};
