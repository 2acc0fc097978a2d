/**
 * A small deterministic trainer of byte-level BPE vocabularies (Sennrich et al. 2016; byte alphabet of GPT-2).
 * Merges never cross the pieces of GPT-2's pre-tokenizer.
 */

export interface WeightedText {
  readonly text: string;
  /** How often the text counts. */
  readonly weight: number;
}

export interface BpeVocabulary {
  /** Token strings in GPT-2's byte alphabet, at the index of their id. */
  readonly tokens: readonly string[];
  /** Merges, the earliest learnt first. */
  readonly merges: readonly (readonly [string, string])[];
}

const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** GPT-2's pre-tokenizer: the pieces put together are the text. */
export const splitPieces = (text: string): string[] => text.match(PIECES) ?? [];

/** GPT-2's printable stand-in for each byte, by byte. */
export const BYTE_ALPHABET: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();

const countPieces = (texts: Iterable<WeightedText>): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { text, weight } of texts) {
    for (const piece of splitPieces(text)) counts.set(piece, (counts.get(piece) ?? 0) + weight);
  }
  return counts;
};

const PAIR_BASE = 2 ** 20;

interface Word {
  ids: number[];
  readonly count: number;
}

/** Pair counts and the words each pair occurs in, kept up to date as words are merged. */
class PairTable {
  readonly counts = new Map<number, number>();
  readonly #words = new Map<number, Set<Word>>();

  constructor(words: Iterable<Word>) {
    for (const word of words) this.#account(word, 1);
  }

  #account(word: Word, sign: 1 | -1): void {
    for (let i = 0; i + 1 < word.ids.length; i++) {
      const pair = (word.ids[i] ?? 0) * PAIR_BASE + (word.ids[i + 1] ?? 0);
      const count = (this.counts.get(pair) ?? 0) + sign * word.count;
      if (count > 1e-9) this.counts.set(pair, count);
      else this.counts.delete(pair);
      if (sign > 0) {
        const words = this.#words.get(pair);
        if (words) words.add(word);
        else this.#words.set(pair, new Set([word]));
      }
    }
  }

  /** Replaces the pair by `merged` wherever it occurs, from the left. */
  merge(first: number, second: number, merged: number): void {
    const pair = first * PAIR_BASE + second;
    for (const word of this.#words.get(pair) ?? []) {
      this.#account(word, -1);
      const ids: number[] = [];
      for (let i = 0; i < word.ids.length; i++) {
        const id = word.ids[i] ?? 0;
        if (id === first && word.ids[i + 1] === second) {
          ids.push(merged);
          i++;
        } else ids.push(id);
      }
      word.ids = ids;
      this.#account(word, 1);
    }
    this.#words.delete(pair);
    this.counts.delete(pair);
  }
}

/**
 * Learns a vocabulary: special tokens first, then the 256 bytes, then merges by descending pair count. Equal counts
 * go to the pair with the lower ids, so that the result depends on the texts alone.
 *
 * @param vocabularySize fewer tokens come out where the texts hold no more pairs
 */
export const trainBpe = (
  texts: Iterable<WeightedText>,
  { vocabularySize, specialTokens }: { vocabularySize: number; specialTokens: readonly string[] },
): BpeVocabulary => {
  const tokens = [...specialTokens, ...BYTE_ALPHABET];
  const merges: [string, string][] = [];
  const encoder = new TextEncoder();
  const words: Word[] = [...countPieces(texts)].map(([piece, count]) => ({
    ids: [...encoder.encode(piece)].map((byte) => specialTokens.length + byte),
    count,
  }));
  const table = new PairTable(words);
  while (tokens.length < vocabularySize) {
    let best = -1;
    let bestCount = 0;
    for (const [pair, count] of table.counts) {
      if (count > bestCount || (count === bestCount && pair < best)) {
        best = pair;
        bestCount = count;
      }
    }
    if (best < 0) break;
    const first = Math.floor(best / PAIR_BASE);
    const second = best % PAIR_BASE;
    const parts: [string, string] = [tokens[first] ?? '', tokens[second] ?? ''];
    table.merge(first, second, tokens.length);
    tokens.push(parts.join(''));
    merges.push(parts);
  }
  return { tokens, merges };
};
