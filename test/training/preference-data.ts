import { createRandom } from '../../src/base/index.js';

export interface TokenPair {
  readonly prompt: Int32Array;
  readonly chosen: Int32Array;
  readonly rejected: Int32Array;
}

/** Prompts of any tokens, completions of unequal lengths: tokens below 10 are preferred to those from 10 on. */
export const tokenPairs = (count: number): TokenPair[] => {
  const random = createRandom('preferences');
  const tokens = (length: number, from: number, below: number): Int32Array =>
    Int32Array.from({ length }, () => from + random.integer(below - from));
  return Array.from({ length: count }, () => ({
    prompt: tokens(1 + random.integer(6), 0, 20),
    chosen: tokens(1 + random.integer(3), 0, 10),
    rejected: tokens(1 + random.integer(3), 10, 20),
  }));
};
