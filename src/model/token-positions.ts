import type { TokenBatch } from '../data/index.js';

/** Where each token stands in its own sequence, [batch · length]: a row that forks holds two. */
export const tokenPositions = ({ batch, length, forks }: TokenBatch): Int32Array => {
  const positions = Int32Array.from({ length: batch * length }, (_, i) => i % length);
  if (forks === undefined) return positions;
  for (let row = 0; row < batch; row++) {
    const [fork = length, resume = length] = forks.subarray(2 * row, 2 * row + 2);
    for (let t = resume; t < length; t++) positions[row * length + t] = t - resume + fork;
  }
  return positions;
};
