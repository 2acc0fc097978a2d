/** BLEU (Papineni et al., 2002) as sacreBLEU computes it (Post, 2018): 13a tokens, orders 1 to 4, exponential smoothing. */

import { UsageError } from '../base/index.js';
import { countNgrams, sharedNgrams } from './ngrams.js';
import { tokenize13a } from './tokenize-13a.js';

/** Longest n-gram counted. */
const maxOrder = 4;

export interface BleuOptions {
  /**
   * Average the orders alone that the text is long enough for, as sacreBLEU's `effective_order`. Default: false for a
   * corpus, true for one sentence.
   */
  readonly effectiveOrder?: boolean;
  /** `exp`: the k-th order without a match counts as 1 / 2ᵏ matches (NIST). `none`: it makes the score 0. Default `exp`. */
  readonly smoothing?: 'exp' | 'none';
}

/** What BLEU needs to know of one text, or of many: those of a corpus are the sums of its texts'. */
export interface BleuStatistics {
  /** Tokens of the candidate. */
  readonly candidateLength: number;
  /** Tokens of the reference nearest in length; of two, the shorter. */
  readonly referenceLength: number;
  /** By order 1..4: n-grams of the candidate that a reference has too, each at most as often as it occurs there. */
  readonly matches: readonly number[];
  /** By order 1..4: n-grams of the candidate. */
  readonly totals: readonly number[];
}

export interface BleuScore extends BleuStatistics {
  /** 0 to 100. */
  readonly score: number;
  /** By order 1..4, after smoothing: 0 to 100. */
  readonly precisions: readonly number[];
  /** exp(1 − r / c) for a corpus shorter than its references, else 1. */
  readonly brevityPenalty: number;
}

const orders = Array.from({ length: maxOrder }, (_, index) => index + 1);

/** Length of the reference nearest in length to the candidate; of two as near, the shorter. */
const nearestLength = (length: number, references: readonly (readonly string[])[]): number =>
  references
    .map((reference) => reference.length)
    .reduce((best, own) => {
      const [bestGap, ownGap] = [Math.abs(best - length), Math.abs(own - length)];
      return ownGap < bestGap || (ownGap === bestGap && own < best) ? own : best;
    }, Number.POSITIVE_INFINITY);

/** By n-gram, the most occurrences in any one reference. */
const mostOccurrences = (
  references: readonly (readonly string[])[],
  order: number,
): ReadonlyMap<string, number> => {
  const most = new Map<string, number>();
  for (const reference of references) {
    for (const [ngram, count] of countNgrams(reference, order)) {
      most.set(ngram, Math.max(count, most.get(ngram) ?? 0));
    }
  }
  return most;
};

/**
 * The statistics of one text against its references.
 *
 * @throws UsageError without a reference
 */
export const bleuStatistics = (candidate: string, references: readonly string[]): BleuStatistics => {
  if (references.length === 0) throw new UsageError('BLEU needs at least one reference for every text');
  const tokens = tokenize13a(candidate);
  const referenceTokens = references.map(tokenize13a);
  return {
    candidateLength: tokens.length,
    referenceLength: nearestLength(tokens.length, referenceTokens),
    matches: orders.map((order) =>
      sharedNgrams(countNgrams(tokens, order), mostOccurrences(referenceTokens, order)),
    ),
    totals: orders.map((order) => Math.max(0, tokens.length - order + 1)),
  };
};

/** Σ w·statistics: those of a corpus; without weights each text counts once. */
export const sumBleuStatistics = (
  statistics: readonly BleuStatistics[],
  weights?: ArrayLike<number>,
): BleuStatistics => {
  const sum = {
    candidateLength: 0,
    referenceLength: 0,
    matches: orders.map(() => 0),
    totals: orders.map(() => 0),
  };
  statistics.forEach(({ candidateLength, referenceLength, matches, totals }, index) => {
    const weight = weights ? (weights[index] ?? 0) : 1;
    sum.candidateLength += weight * candidateLength;
    sum.referenceLength += weight * referenceLength;
    for (let k = 0; k < maxOrder; k++) {
      sum.matches[k] = (sum.matches[k] ?? 0) + weight * (matches[k] ?? 0);
      sum.totals[k] = (sum.totals[k] ?? 0) + weight * (totals[k] ?? 0);
    }
  });
  return sum;
};

/** By order, in per cent, up to the last order that the text is long enough for. */
const smoothedPrecisions = (
  { matches, totals }: BleuStatistics,
  smoothing: 'exp' | 'none',
): { readonly precisions: number[]; readonly longEnoughFor: number } => {
  const precisions = orders.map(() => 0);
  let halvings = 1;
  let longEnoughFor = 0;
  for (let k = 0; k < maxOrder; k++) {
    const [own, total] = [matches[k] ?? 0, totals[k] ?? 0];
    if (total === 0) break;
    longEnoughFor = k + 1;
    if (own > 0) precisions[k] = (100 * own) / total;
    else if (smoothing === 'exp') {
      halvings *= 2;
      precisions[k] = 100 / (halvings * total);
    }
  }
  return { precisions, longEnoughFor };
};

/** BLEU of the sums of a corpus; 0 where nothing matches at all. */
export const bleuOfStatistics = (
  statistics: BleuStatistics,
  { effectiveOrder = false, smoothing = 'exp' }: BleuOptions = {},
): BleuScore => {
  const { candidateLength, referenceLength, matches } = statistics;
  const isShort = candidateLength < referenceLength;
  const brevityPenalty = isShort
    ? candidateLength > 0
      ? Math.exp(1 - referenceLength / candidateLength)
      : 0
    : 1;
  if (matches.every((count) => count === 0)) {
    return { ...statistics, score: 0, precisions: orders.map(() => 0), brevityPenalty };
  }
  const { precisions, longEnoughFor } = smoothedPrecisions(statistics, smoothing);
  const order = effectiveOrder ? longEnoughFor : maxOrder;
  const logs = precisions.slice(0, order).map(Math.log);
  const score = brevityPenalty * Math.exp(logs.reduce((sum, log) => sum + log, 0) / order);
  return { ...statistics, score, precisions, brevityPenalty };
};

/**
 * BLEU of a corpus: one precision over all texts, never a mean of scores.
 *
 * @param candidates one text a segment
 * @param references of each segment, its references
 * @throws UsageError where the two do not go together
 */
export const corpusBleu = (
  candidates: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): BleuScore => {
  if (candidates.length !== references.length || candidates.length === 0) {
    throw new UsageError(
      `BLEU of ${candidates.length} texts with references for ${references.length}: both need the same texts, at least one`,
    );
  }
  const statistics = candidates.map((candidate, i) => bleuStatistics(candidate, references[i] ?? []));
  return bleuOfStatistics(sumBleuStatistics(statistics), options);
};

/**
 * BLEU of one sentence, by default over the orders alone that it is long enough for.
 *
 * @throws UsageError without a reference
 */
export const sentenceBleu = (
  candidate: string,
  references: readonly string[],
  { effectiveOrder = true, ...options }: BleuOptions = {},
): BleuScore => bleuOfStatistics(bleuStatistics(candidate, references), { effectiveOrder, ...options });
