/** How far steered text departs from what the base writes by itself: BLEU and ROUGE-L, below the ceiling and past it. */
import {
  type BleuStatistics,
  bleuOfStatistics,
  bleuStatistics,
  rouge,
  sumBleuStatistics,
} from '../../behaviour/index.js';
import { weightedMean } from '../../statistics/index.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Measure } from './context.js';
import { type Measurement, ones } from './measurement.js';
import { meanOf, overContinued, policyTextsOf, searchesOf, textOf } from './text-searches.js';

/** What a score of overlap is, of all texts under prompt weights: 0 to 1. */
type Overlap = (candidates: readonly string[], references: readonly string[]) => Measurement['statistic'];

/** Corpus BLEU / 100: of the weighted sums of the texts' counts, over the orders that the texts are long enough for. */
const bleuOverlap: Overlap = (candidates, references) => {
  const statistics: BleuStatistics[] = candidates.map((candidate, k) =>
    bleuStatistics(candidate, [references[k] ?? '']),
  );
  return (weights) =>
    bleuOfStatistics(sumBleuStatistics(statistics, weights), { effectiveOrder: true }).score / 100;
};

/** The mean of the texts' ROUGE-L F-measures. */
const rougeOverlap: Overlap = (candidates, references) => {
  const scores = candidates.map((candidate, k) => rouge(candidate, references[k] ?? '').rougeL.f);
  return (weights) => weightedMean(scores, weights);
};

const textsOf = (evidence: SeedEvidence, texts: readonly Int32Array[]): string[] =>
  texts.map((tokens) => textOf(evidence, tokens));

/**
 * The fall from below the ceiling to past it of overlap with the base's own texts, averaged over vectors. In the details
 * too: overlap with the policy's own texts, of the base's and of those at λ = 1.
 */
const overlapFall =
  (overlap: Overlap): Measure =>
  async ({ evidence }, subject) => {
    const found = await searchesOf(evidence, subject);
    const policy = textsOf(evidence, await policyTextsOf(evidence, subject));
    const overlaps = found.map(({ points, unsteered, below, past }) => {
      const references = textsOf(evidence, unsteered);
      const atOne = points.find(({ lambda }) => lambda === 1)?.texts ?? [];
      return {
        policyUnsteered: overlap(references, policy),
        policyAtOne: overlap(textsOf(evidence, atOne), policy),
        below: overlap(textsOf(evidence, below), references),
        past: overlap(textsOf(evidence, past), references),
      };
    });
    const all = ones(found[0]?.unsteered.length ?? 0);
    return overContinued(
      evidence,
      overlaps.map(
        ({ below, past }) =>
          (weights) =>
            below(weights) - past(weights),
      ),
      {
        belowCeiling: meanOf(overlaps.map(({ below }) => below(all))),
        pastCeiling: meanOf(overlaps.map(({ past }) => past(all))),
        ceiling: meanOf(found.map(({ ceiling }) => ceiling)),
        lambdaBelow: meanOf(found.map(({ lambdaBelow }) => lambdaBelow)),
        withPolicyUnsteered: meanOf(overlaps.map(({ policyUnsteered }) => policyUnsteered(all))),
        withPolicyAtOne: meanOf(overlaps.map(({ policyAtOne }) => policyAtOne(all))),
      },
    );
  };

/**
 * `oversteering-bleu-fall`: corpus BLEU (0 to 1) against the base's unsteered greedy texts of those at a quarter of the vector's
 * ceiling (at λ = 1 if that is less), less that of those at twice the ceiling.
 */
export const measureBleuFall: Measure = overlapFall(bleuOverlap);

/** `oversteering-rouge-fall`: the same of the mean ROUGE-L F-measure, to which a text without a word has no overlap. */
export const measureRougeFall: Measure = overlapFall(rougeOverlap);
