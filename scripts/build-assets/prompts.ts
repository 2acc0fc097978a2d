/** Cutting real sentences into prompts. */

import type { Tokenizer } from '../../src/data/index.js';

const LONGEST_WORDS = 22;
const LONGEST_TOKENS = 40;

export const withoutClosingMark = (text: string): string => text.replace(/[\s.!?,;:"'()*-]+$/u, '');

export const countWordsOf = (text: string): number => text.split(' ').filter((word) => word !== '').length;

/** Drops words from the left until text and ending are short enough for quick prompts. */
export const cutFromLeft = (text: string, ending: string, tokenizer: Tokenizer): string => {
  const words = text.split(' ').slice(-LONGEST_WORDS);
  while (words.length > 1 && tokenizer.encode(words.join(' ') + ending).length > LONGEST_TOKENS)
    words.shift();
  return words.join(' ') + ending;
};
