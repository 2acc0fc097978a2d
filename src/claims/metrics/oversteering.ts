/** What becomes of text past the λ ceiling of a vector: where it degenerates, and how little the base thinks of it. */

import { logPerplexities, screenTexts } from '../../behaviour/index.js';
import { weightedRatio } from '../../statistics/index.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Measure } from './context.js';
import { ceilingOf, ceilingShare, promptsContinued, screenOf } from './steered-texts.js';
import { meanOf, overContinued, searchesOf } from './text-searches.js';

/**
 * `lambda-ceiling`: the λ from which half of the base's greedy continuations under base + λv* are degenerate (empty, or
 * fewer than half of their tokens distinct), v* where the experiment steers, at every token written. Several vectors: their
 * mean. The points tried are in the details, and what is wrong with the texts past the ceiling, each fault counted apart.
 */
export const measureLambdaCeiling: Measure = async ({ evidence }, subject) => {
  const found = await searchesOf(evidence, subject);
  const [first] = found;
  const faults = screenTexts(first?.past ?? [], screenOf(evidence.base.model));
  return overContinued(
    evidence,
    found.map(
      ({ points }) =>
        (weights) =>
          ceilingOf(points, weights),
    ),
    {
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
      emptyPastCeiling: faults.empty,
      repetitionPastCeiling: faults.repetition,
      truncatedPastCeiling: faults.truncated,
    },
  );
};

/** Of each continuation under the base, in nats a token; NaN of an empty one. */
const perplexitiesOf = (
  { base, data }: SeedEvidence,
  indices: readonly number[],
  texts: readonly Int32Array[],
): Promise<Float64Array> =>
  logPerplexities(
    base.model,
    indices.map((index, k) => ({
      prompt: data.heldOut[index]?.prompt ?? new Int32Array(),
      completion: texts[k] ?? new Int32Array(),
    })),
  );

/**
 * `oversteering-perplexity-rise`: how much higher the log-perplexity under the base is (nats a token) of texts written at
 * twice the vector's ceiling than of those at a quarter of it, or at λ = 1 if that is less, over the prompts with a text at both.
 */
export const measurePerplexityRise: Measure = async ({ evidence }, subject) => {
  const found = await searchesOf(evidence, subject);
  const indices = promptsContinued(evidence);
  const rises: {
    readonly rise: Float64Array;
    readonly below: number;
    readonly past: number;
    readonly empty: number;
  }[] = [];
  for (const { below, past } of found) {
    const [before, after] = [
      await perplexitiesOf(evidence, indices, below),
      await perplexitiesOf(evidence, indices, past),
    ];
    const rise = after.map((value, k) => value - (before[k] ?? Number.NaN));
    const written = [...rise.keys()].filter((k) => Number.isFinite(rise[k]));
    rises.push({
      rise,
      below: meanOf(written.map((k) => before[k] ?? Number.NaN)),
      past: meanOf(written.map((k) => after[k] ?? Number.NaN)),
      empty: rise.length - written.length,
    });
  }
  return overContinued(
    evidence,
    rises.map(({ rise }) => {
      const written = rise.map((value) => (Number.isFinite(value) ? 1 : 0));
      const values = rise.map((value) => (Number.isFinite(value) ? value : 0));
      return (weights) => weightedRatio(values, written, weights);
    }),
    {
      belowCeiling: meanOf(rises.map(({ below }) => below)),
      pastCeiling: meanOf(rises.map(({ past }) => past)),
      ceiling: meanOf(found.map(({ ceiling }) => ceiling)),
      lambdaBelow: meanOf(found.map(({ lambdaBelow }) => lambdaBelow)),
      withoutText: meanOf(rises.map(({ empty }) => empty)),
    },
  );
};
