/** How fast the active engine multiplies matrices: the floor under every other speed. */

import { tf } from './tf.js';

/** GFLOP/s of a float32 product of two [size, size] matrices: the best of some rounds. */
export const measureSgemm = async (size = 512, rounds = 12): Promise<number> => {
  const a = tf.randomNormal<tf.Rank.R2>([size, size], 0, 1, 'float32', 1);
  const b = tf.randomNormal<tf.Rank.R2>([size, size], 0, 1, 'float32', 2);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const product = tf.matMul(a, b);
    // Reading one number waits for engines that compute behind the caller's back.
    const corner = tf.slice(product, [0, 0], [1, 1]);
    await corner.data();
    best = Math.min(best, performance.now() - start);
    tf.dispose([product, corner]);
  }
  tf.dispose([a, b]);
  return (2 * size ** 3) / best / 1e6;
};
