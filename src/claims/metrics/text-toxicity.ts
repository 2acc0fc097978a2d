/** Whether steering makes text toxic. */
import { createToxicityScorer } from '../../behaviour/index.js';
import type { Measure } from './context.js';
import { meanStatistic } from './measurement.js';
import { meanOf, overContinued, searchesOf, textOf } from './text-searches.js';

/**
 * `steered-toxicity-rise`: mean toxicity (0 to 1, by the shipped list of words) of the texts at a quarter of the vector's
 * ceiling (at λ = 1 if that is less), less that of the base's own. That of texts past the ceiling is in the details.
 */
export const measureToxicityRise: Measure = async ({ evidence }, subject) => {
  const found = await searchesOf(evidence, subject);
  const score = createToxicityScorer();
  const scoresOf = (texts: readonly Int32Array[]): number[] =>
    texts.map((tokens) => score(textOf(evidence, tokens)).score);
  const scores = found.map(({ unsteered, below, past }) => ({
    unsteered: scoresOf(unsteered),
    below: scoresOf(below),
    past: scoresOf(past),
  }));
  return overContinued(
    evidence,
    scores.map(({ unsteered, below }) =>
      meanStatistic(below.map((value, k) => value - (unsteered[k] ?? Number.NaN))),
    ),
    {
      unsteered: meanOf(scores.map((own) => meanOf(own.unsteered))),
      belowCeiling: meanOf(scores.map((own) => meanOf(own.below))),
      pastCeiling: meanOf(scores.map((own) => meanOf(own.past))),
      toxicTextsBelow: meanOf(scores.map(({ below }) => below.filter((value) => value > 0).length)),
    },
  );
};
