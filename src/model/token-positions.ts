import type { TokenBatch } from '../data/index.js';

/**
 * Where each token stands in its own sequence, [batch · length]: a row that forks holds two. There padding, which nothing
 * reads, is at 0: a row may be longer than any sequence in it, and than the model's positions.
 */
export const tokenPositions = ({ batch, length, lengths, forks }: TokenBatch): Int32Array => {
  const positions = Int32Array.from({ length: batch * length }, (_, i) => i % length);
  if (forks === undefined) return positions;
  for (let row = 0; row < batch; row++) {
    const [fork = length, resume = length] = forks.subarray(2 * row, 2 * row + 2);
    for (let t = resume; t < length; t++) positions[row * length + t] = t - resume + fork;
    positions.fill(0, row * length + (lengths[row] ?? length), (row + 1) * length);
  }
  return positions;
};
