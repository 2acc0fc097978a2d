/** Pairs of a positive and a negative word between which neither frequency nor length decides. */

import type { Random } from '../../src/base/index.js';
import type { OpinionWord } from './opinion-words.js';

export interface WordPair {
  readonly positive: OpinionWord;
  readonly negative: OpinionWord;
}

/** The two frequencies of a pair differ by less than this factor, given as log10. */
export const FREQUENCY_BIN = 0.55;

/** Pieces of the tokenizer by which the two words may differ. */
export const TOKEN_BIN = 1;

export type TokenCount = (word: OpinionWord) => number;

export const logFrequencyRatio = ({ positive, negative }: WordPair): number =>
  Math.log10(positive.frequency / negative.frequency);

export const isMatched = (pair: WordPair, tokens: TokenCount): boolean =>
  Math.abs(logFrequencyRatio(pair)) <= FREQUENCY_BIN &&
  Math.abs(tokens(pair.positive) - tokens(pair.negative)) <= TOKEN_BIN;

const CANDIDATES = 6;

/**
 * Draws pairs so that over the draws so far the positive words are neither more frequent nor shorter than the negative
 * ones: of a few random candidates the one is taken that brings both running sums nearest to nothing.
 */
export class BalancedDraw {
  #frequency = 0;
  #length = 0;
  readonly #tokens: TokenCount;
  readonly #random: Random;

  constructor(tokens: TokenCount, random: Random) {
    this.#tokens = tokens;
    this.#random = random;
  }

  /** @param pairs at least one; @param weight how likely a pair becomes a candidate, up to a common factor */
  draw(pairs: readonly WordPair[], weight: (pair: WordPair) => number): WordPair {
    const weights = pairs.map(weight);
    const total = weights.reduce((sum, each) => sum + each, 0);
    const candidate = (): WordPair | undefined => {
      let left = this.#random.next() * total;
      const index = weights.findIndex((each) => {
        left -= each;
        return left < 0;
      });
      return pairs[Math.max(index, 0)];
    };
    let best: WordPair | undefined;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let i = 0; i < CANDIDATES; i++) {
      const pair = candidate();
      if (!pair) throw new Error('there is no pair of words to draw from');
      const cost = this.#cost(pair);
      if (cost < bestCost) {
        best = pair;
        bestCost = cost;
      }
    }
    if (!best) throw new Error('there is no pair of words to draw from');
    this.#frequency += logFrequencyRatio(best);
    this.#length += this.#lengthDifference(best);
    return best;
  }

  #lengthDifference({ positive, negative }: WordPair): number {
    return this.#tokens(positive) - this.#tokens(negative);
  }

  #cost(pair: WordPair): number {
    return (
      Math.abs(this.#frequency + logFrequencyRatio(pair)) +
      Math.abs(this.#length + this.#lengthDifference(pair)) / 2
    );
  }
}
