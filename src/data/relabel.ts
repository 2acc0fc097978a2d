import { createRandom } from '../base/index.js';

/**
 * - `given`: as they are;
 * - `shuffled`: each tuple's completions exchanged with probability ½, independently, so that no preference is left;
 * - `flipped`: every tuple's completions exchanged.
 */
export type Labels = 'given' | 'shuffled' | 'flipped';

const exchange = <T extends { readonly chosen: unknown; readonly rejected: unknown }>(tuple: T): T => ({
  ...tuple,
  chosen: tuple.rejected,
  rejected: tuple.chosen,
});

/**
 * The controls' labels. Prompts, order and the pair of completions of each tuple stay the same.
 *
 * @param seed of the coin tosses of `shuffled`
 */
export const relabel = <T extends { readonly chosen: unknown; readonly rejected: unknown }>(
  tuples: readonly T[],
  labels: Labels,
  seed: number | string,
): T[] => {
  if (labels === 'given') return [...tuples];
  if (labels === 'flipped') return tuples.map(exchange);
  const random = createRandom(seed).fork('relabel');
  return tuples.map((tuple) => (random.next() < 0.5 ? exchange(tuple) : tuple));
};
