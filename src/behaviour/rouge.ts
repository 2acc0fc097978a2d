/** ROUGE-1, ROUGE-2 and ROUGE-L (Lin, 2004) as Google's rouge-score computes them, which follows ROUGE-1.5.5. */

import { stemmer } from 'stemmer';
import { UsageError } from '../base/index.js';
import { countNgrams, sharedNgrams } from './ngrams.js';

export interface RougeOptions {
  /**
   * Stem words of four letters and more (Porter's algorithm), as `use_stemmer=True`. Default false. NLTK, which
   * rouge-score stems with, departs from Porter in some words (`dying`, `skies`): there the two can differ.
   */
  readonly useStemmer?: boolean;
}

export interface RougeScore {
  /** Share of the candidate that the reference has: 0 to 1. */
  readonly precision: number;
  /** Share of the reference that the candidate has: 0 to 1. */
  readonly recall: number;
  /** 2PR / (P + R): 0 to 1. */
  readonly f: number;
}

export interface RougeScores {
  readonly rouge1: RougeScore;
  readonly rouge2: RougeScore;
  /** Of the longest common subsequence, line breaks ignored. */
  readonly rougeL: RougeScore;
}

/** Words of lower-case letters a–z and digits; all else parts them. */
export const tokenizeForRouge = (text: string, { useStemmer = false }: RougeOptions = {}): string[] => {
  const words = text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  return useStemmer ? words.map((word) => (word.length > 3 ? stemmer(word) : word)) : words;
};

const scoreOf = (shared: number, ofReference: number, ofCandidate: number): RougeScore => {
  const precision = ofCandidate === 0 ? 0 : shared / ofCandidate;
  const recall = ofReference === 0 ? 0 : shared / ofReference;
  const f = precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
  return { precision, recall, f };
};

const rougeN = (reference: readonly string[], candidate: readonly string[], order: number): RougeScore =>
  scoreOf(
    sharedNgrams(countNgrams(reference, order), countNgrams(candidate, order)),
    Math.max(0, reference.length - order + 1),
    Math.max(0, candidate.length - order + 1),
  );

/** Length of the longest common subsequence; memory of one row. */
const commonSubsequence = (a: readonly string[], b: readonly string[]): number => {
  let previous = new Int32Array(b.length + 1);
  for (const word of a) {
    const current = new Int32Array(b.length + 1);
    for (let j = 1; j <= b.length; j++) {
      current[j] =
        word === b[j - 1] ? (previous[j - 1] ?? 0) + 1 : Math.max(previous[j] ?? 0, current[j - 1] ?? 0);
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
};

/** ROUGE of one candidate against one reference. */
export const rouge = (candidate: string, reference: string, options: RougeOptions = {}): RougeScores => {
  const ofReference = tokenizeForRouge(reference, options);
  const ofCandidate = tokenizeForRouge(candidate, options);
  return {
    rouge1: rougeN(ofReference, ofCandidate, 1),
    rouge2: rougeN(ofReference, ofCandidate, 2),
    rougeL: scoreOf(commonSubsequence(ofReference, ofCandidate), ofReference.length, ofCandidate.length),
  };
};

/**
 * F-measures of a corpus: the mean over its texts, as rouge-score's aggregator has it in the middle.
 *
 * @throws UsageError unless there is one reference for every candidate
 */
export const meanRouge = (
  candidates: readonly string[],
  references: readonly string[],
  options: RougeOptions = {},
): Readonly<Record<keyof RougeScores, number>> => {
  if (candidates.length !== references.length || candidates.length === 0) {
    throw new UsageError(
      `ROUGE of ${candidates.length} texts against ${references.length}: it needs one reference a text, and at least one text`,
    );
  }
  const scores = candidates.map((candidate, i) => rouge(candidate, references[i] ?? '', options));
  const mean = (kind: keyof RougeScores): number =>
    scores.reduce((sum, own) => sum + own[kind].f, 0) / scores.length;
  return { rouge1: mean('rouge1'), rouge2: mean('rouge2'), rougeL: mean('rougeL') };
};
