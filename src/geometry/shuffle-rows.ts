/** The null of a common direction: displacements of the same lengths that have none. */

import type { Random } from '../base/index.js';
import { type Matrix, matrix } from '../linalg/index.js';

/**
 * ΔH with the entries of each row shuffled, each row by itself: as many rows, of the same norms and the same entries,
 * but no direction in common beyond that of their mean entry. The null of the same n for σ2/σ1, which shrinks with n.
 */
export const shuffleRows = ({ rows, columns, data }: Matrix, random: Random): Matrix => {
  const shuffled = data.slice();
  for (let i = 0; i < rows; i++) {
    for (let j = columns - 1; j > 0; j--) {
      const a = i * columns + j;
      const b = i * columns + random.integer(j + 1);
      const held = shuffled[a] as number;
      shuffled[a] = shuffled[b] as number;
      shuffled[b] = held;
    }
  }
  return matrix(rows, columns, shuffled);
};
