import type { SparseRow } from './logistic-regression.js';
import { textWords } from './text-words.js';

export interface TextFeatureOptions {
  /** Features: n-grams share them by their hash. Default 4096. */
  readonly buckets?: number;
  /** Runs of so many words. Default 1 and 2. */
  readonly wordOrders?: readonly number[];
  /**
   * Runs of so many UTF-8 bytes within a word and its spaces, which see parts of words: they know more words, and
   * hear opinions in words that have none. Default none.
   */
  readonly byteOrders?: readonly number[];
}

/** FNV-1a over bytes, to an unsigned 32-bit number. */
const hashBytes = (bytes: Uint8Array): number => {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
};

const encoder = new TextEncoder();

/** All n-grams of a text, each marked with its kind so that a word and a run of bytes differ. */
function* ngramsOf(
  text: string,
  { wordOrders = [1, 2], byteOrders = [] }: TextFeatureOptions,
): Generator<Uint8Array> {
  const words = textWords(text);
  for (const order of wordOrders) {
    for (let from = 0; from + order <= words.length; from++) {
      yield encoder.encode(`w${words.slice(from, from + order).join(' ')}`);
    }
  }
  for (const order of byteOrders) {
    for (const word of words) {
      const bytes = encoder.encode(` ${word} `);
      for (let from = 0; from + order <= bytes.length; from++) {
        yield Uint8Array.of(98, ...bytes.subarray(from, from + order));
      }
    }
  }
}

/** Which n-grams a text has, by hash: 1 each, [buckets], sparse. A text without words has none. */
export const textFeatures = (text: string, options: TextFeatureOptions = {}): SparseRow => {
  const { buckets = 4096 } = options;
  const present = new Set<number>();
  for (const ngram of ngramsOf(text, options)) present.add(hashBytes(ngram) % buckets);
  const indices = Int32Array.from(present).sort();
  return { indices, values: new Float64Array(indices.length).fill(1) };
};
