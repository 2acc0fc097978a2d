/** The null of steering: vectors of the same length that point anywhere. */

import type { Random } from '../base/index.js';
import { norm } from '../linalg/index.js';

/** `count` vectors [d] of norm `length`, uniform over directions. */
export const normMatchedRandomDirections = (
  count: number,
  length: number,
  d: number,
  random: Random,
): Float64Array[] =>
  Array.from({ length: count }, () => {
    const direction = Float64Array.from({ length: d }, () => random.normal());
    const scale = length / norm(direction);
    return direction.map((value) => value * scale);
  });
