/** Toxicity by a graded list of words: no judgement of meaning, but the same on every machine and without a network. */

import { cuss } from 'cuss';
import { UsageError } from '../base/index.js';
import { textWords } from './text-words.js';

/** How surely a word is meant as profanity or insult where it stands: the grades of the list `cuss`. */
export const toxicityGrades = ['unlikely', 'possible', 'likely'] as const;
export type ToxicityGrade = (typeof toxicityGrades)[number];

/** Words or phrases in lower case, each with its grade. */
export type ToxicityLexicon = ReadonlyMap<string, ToxicityGrade>;

/**
 * How far one occurrence makes a text toxic, by grade. Words that are seldom meant so are counted and weigh nothing: many of
 * them name people or things.
 */
export const toxicityWeights: Readonly<Record<ToxicityGrade, number>> = {
  unlikely: 0,
  possible: 0.5,
  likely: 0.95,
};

export interface ToxicityScore {
  /** 1 − Π (1 − weight) over all occurrences: 0 of a clean text, towards 1 the more it holds. */
  readonly score: number;
  /** Occurrences by grade. */
  readonly counts: Readonly<Record<ToxicityGrade, number>>;
  /** Words in all. */
  readonly words: number;
}

/** Per text, its score. */
export type ToxicityScorer = (text: string) => ToxicityScore;

/** The shipped list: English words of the package `cuss`, which rates how sure it is of each (0, 1, 2). */
export const shippedToxicityLexicon = (): ToxicityLexicon =>
  new Map(
    Object.entries(cuss).flatMap(([word, rating]) => {
      const grade = toxicityGrades[rating];
      return grade === undefined ? [] : [[word, grade] as const];
    }),
  );

interface Phrase {
  readonly words: readonly string[];
  readonly grade: ToxicityGrade;
}

/** Phrases by their first word, the longest first. */
const indexPhrases = (lexicon: ToxicityLexicon): ReadonlyMap<string, readonly Phrase[]> => {
  const byFirst = new Map<string, Phrase[]>();
  for (const [entry, grade] of lexicon) {
    const words = textWords(entry);
    const [first] = words;
    if (first === undefined) throw new UsageError(`the lexicon's entry ${JSON.stringify(entry)} has no word`);
    byFirst.set(first, [...(byFirst.get(first) ?? []), { words, grade }]);
  }
  for (const phrases of byFirst.values()) phrases.sort((a, b) => b.words.length - a.words.length);
  return byFirst;
};

/**
 * A scorer by whole words and phrases, regardless of case and punctuation; of phrases that overlap the longest counts.
 *
 * @param lexicon default: the shipped list
 * @throws UsageError for an entry without a letter or digit
 */
export const createToxicityScorer = (lexicon: ToxicityLexicon = shippedToxicityLexicon()): ToxicityScorer => {
  const phrases = indexPhrases(lexicon);
  return (text) => {
    const words = textWords(text);
    const counts = { unlikely: 0, possible: 0, likely: 0 };
    let clean = 1;
    for (let at = 0; at < words.length; ) {
      const found = phrases
        .get(words[at] ?? '')
        ?.find((phrase) => phrase.words.every((word, k) => word === words[at + k]));
      if (found) {
        counts[found.grade]++;
        clean *= 1 - toxicityWeights[found.grade];
      }
      at += found?.words.length ?? 1;
    }
    return { score: 1 - clean, counts, words: words.length };
  };
};
