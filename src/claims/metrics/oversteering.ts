/** What becomes of text past the λ ceiling of a vector: where it degenerates, and how that shows. */

import { preferenceLogps } from '../../steering/index.js';
import type { CrossFittedVectors } from '../evidence/cross-fitted-vectors.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Measure, Subject } from './context.js';
import { type Measurement, meanStatistic, ones } from './measurement.js';
import {
  ceilingOf,
  ceilingShare,
  continueTexts,
  promptsContinued,
  type SteeredTexts,
  searchCeiling,
} from './steered-texts.js';
import { subjectVectors } from './subject-vectors.js';

/** Random directions searched: each takes its own search. */
const directionsSearched = 3;
/** Past the ceiling: at this multiple of it. */
const pastCeiling = 2;

/** The search for one vector's ceiling, with the texts at λ = 1 and past the ceiling. */
interface Oversteering {
  readonly points: readonly SteeredTexts[];
  readonly ceiling: number;
  readonly atOne: readonly Int32Array[];
  readonly past: readonly Int32Array[];
}

const oversteer = async (evidence: SeedEvidence, vectors: CrossFittedVectors): Promise<Oversteering> => {
  const indices = promptsContinued(evidence);
  const textsAt = (lambda: number): Promise<Int32Array[]> =>
    continueTexts(evidence.base.model, evidence.data.heldOut, indices, {
      vectorFor: vectors.steering,
      lambda,
    });
  const points = await searchCeiling(textsAt);
  const ceiling = ceilingOf(points, ones(indices.length));
  const atOne = points.find(({ lambda }) => lambda === 1)?.texts ?? (await textsAt(1));
  return { points, ceiling, atOne, past: await textsAt(pastCeiling * ceiling) };
};

/** Searches done, as several metrics ask for the same; forgotten together with the evidence. */
const searches = new WeakMap<SeedEvidence, Map<Subject, Promise<Oversteering[]>>>();

/** One search for v*, or one for each of a few random directions of its norm. */
const searchesOf = (evidence: SeedEvidence, subject: Subject): Promise<Oversteering[]> => {
  const known = searches.get(evidence) ?? new Map<Subject, Promise<Oversteering[]>>();
  searches.set(evidence, known);
  const search = async (): Promise<Oversteering[]> => {
    const { families } = subjectVectors(evidence, subject);
    const found: Oversteering[] = [];
    for (const vectorsAt of families.slice(0, directionsSearched)) {
      found.push(await oversteer(evidence, vectorsAt('postNorm')));
    }
    return found;
  };
  const made = known.get(subject) ?? search();
  known.set(subject, made);
  return made;
};

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const clustersContinued = (evidence: SeedEvidence): string[] =>
  promptsContinued(evidence).map((index) => evidence.data.clusters[index] ?? '');

/**
 * `lambda-ceiling`: the λ from which half of the base's greedy continuations under base + λv* are degenerate (fewer than
 * half of their tokens distinct), v* at the final hidden state of every token written. Several vectors: their mean. The
 * points tried are in the details.
 */
export const measureLambdaCeiling: Measure = async ({ evidence }, subject) => {
  const found = await searchesOf(evidence, subject);
  const clusters = clustersContinued(evidence);
  const [first] = found;
  return {
    n: clusters.length,
    clusters,
    statistic: (weights) => meanOf(found.map(({ points }) => ceilingOf(points, weights))),
    details: {
      reached: found.filter(({ points }) =>
        points.some(({ degenerate }) => meanOf(Array.from(degenerate)) >= ceilingShare),
      ).length,
      vectors: found.length,
      ...Object.fromEntries(
        (first?.points ?? []).map(({ lambda, degenerate }) => [
          `degenerateAt${lambda.toFixed(2)}`,
          meanOf(Array.from(degenerate)),
        ]),
      ),
    },
  };
};

/** A per-prompt change from the texts at λ = 1 to those past the ceiling, averaged over vectors and prompts. */
const changePastCeiling = async (
  evidence: SeedEvidence,
  subject: Subject,
  scores: (texts: readonly Int32Array[]) => Promise<Float64Array>,
  sign: 1 | -1,
): Promise<Measurement> => {
  const found = await searchesOf(evidence, subject);
  const clusters = clustersContinued(evidence);
  const change = new Float64Array(clusters.length);
  const means = { one: 0, past: 0 };
  for (const { atOne, past } of found) {
    const [before, after] = [await scores(atOne), await scores(past)];
    for (let i = 0; i < change.length; i++) {
      const [one, far] = [before[i] ?? Number.NaN, after[i] ?? Number.NaN];
      change[i] = (change[i] ?? 0) + (sign * (far - one)) / found.length;
      means.one += one / (found.length * change.length);
      means.past += far / (found.length * change.length);
    }
  }
  return {
    n: clusters.length,
    clusters,
    statistic: meanStatistic(change),
    details: {
      atOne: means.one,
      pastCeiling: means.past,
      ceiling: meanOf(found.map(({ ceiling }) => ceiling)),
    },
  };
};

/** −log p a token of each text under the base, in nats; an empty text has none, and counts as 0. */
const logPerplexities =
  ({ base, data }: SeedEvidence, indices: readonly number[]) =>
  async (texts: readonly Int32Array[]): Promise<Float64Array> => {
    const written = indices.flatMap((index, k) => {
      const [tuple, text] = [data.heldOut[index], texts[k]];
      return tuple && text && text.length > 0
        ? [{ k, length: text.length, pair: { ...tuple, chosen: text, rejected: text } }]
        : [];
    });
    const logps = await preferenceLogps(
      base.model,
      written.map(({ pair }) => pair),
    );
    const scores = new Float64Array(texts.length);
    written.forEach(({ k, length }, i) => {
      scores[k] = -(logps.chosen[i] ?? Number.NaN) / length;
    });
    return scores;
  };

/**
 * `oversteering-perplexity-rise`: how much higher the log-perplexity under the base is (nats a token) of texts written at
 * twice the vector's ceiling than of those at λ = 1.
 */
export const measurePerplexityRise: Measure = ({ evidence }, subject) =>
  changePastCeiling(evidence, subject, logPerplexities(evidence, promptsContinued(evidence)), 1);
