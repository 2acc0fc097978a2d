/** What happens to preferences on the way from −v* over the base to v*: base + λv*, λ from −1 to 1. */

import { weightedMean } from '../../statistics/index.js';
import { prefersChosen } from '../../steering/index.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Measure, MetricContext, Subject } from './context.js';
import { type Measurement, ones } from './measurement.js';
import { steerPolicy } from './steered-policy.js';
import { type Steered, withVectors } from './steering.js';

/** Least rise of a quantity's weighted mean from one λ to the next. */
const smallestRise = (means: readonly number[]): number => {
  let smallest = Number.POSITIVE_INFINITY;
  for (let k = 1; k < means.length; k++) {
    const rise = (means[k] ?? Number.NaN) - (means[k - 1] ?? Number.NaN);
    if (Number.isNaN(rise)) return Number.NaN;
    smallest = Math.min(smallest, rise);
  }
  return smallest;
};

/** `at-1.00`, `at0.50`: the name of a point of the curve in the report's details. */
const pointName = (lambda: number): string => `at${lambda.toFixed(2)}`;

/** Margins at a λ under each family of vectors: two metrics ask for some of the same; forgotten with the evidence. */
const steeredOnce = new WeakMap<SeedEvidence, Map<string, Promise<Float64Array>>>();

const steerOnce = (
  evidence: SeedEvidence,
  subject: Subject,
  { start, vectorsAt, index }: Steered,
  lambda: number,
): Promise<Float64Array> => {
  const known = steeredOnce.get(evidence) ?? new Map<string, Promise<Float64Array>>();
  steeredOnce.set(evidence, known);
  const key = `${subject}/${index}/${lambda}`;
  const made = known.get(key) ?? steerPolicy(evidence, start, vectorsAt, lambda);
  known.set(key, made);
  return made;
};

const interpolate = (
  { evidence }: MetricContext,
  subject: Subject,
  lambdas: readonly number[],
  quantity: (margin: number) => number,
): Promise<Measurement> =>
  withVectors(evidence, subject, async (steered) => {
    const { data } = evidence;
    const curves: Float64Array[] = [];
    for (const lambda of lambdas) {
      const margins =
        lambda === 0 ? steered.start.margins : await steerOnce(evidence, subject, steered, lambda);
      curves.push(margins.map(quantity));
    }
    const means = (weights: Float64Array): number[] => curves.map((curve) => weightedMean(curve, weights));
    const n = data.clusters.length;
    const estimates = means(ones(n));
    return {
      n,
      clusters: data.clusters,
      statistic: (weights) => smallestRise(means(weights)),
      details: Object.fromEntries(
        lambdas.map((lambda, k) => [pointName(lambda), estimates[k] ?? Number.NaN]),
      ),
    };
  });

const steps = (count: number): number[] => Array.from({ length: count + 1 }, (_, k) => -1 + (2 * k) / count);

/**
 * `interpolation-smallest-rise`: over λ from −1 to 1 in steps of ¼, the smallest rise (nats) of the mean preference margin
 * of base + λv* from one λ to the next; at least 0 where alignment rises all the way.
 */
export const measureInterpolationMargin: Measure = (context, subject) =>
  interpolate(context, subject, steps(8), (margin) => margin);

/**
 * `interpolation-accuracy-rise`: the same of the share of prompts whose chosen answer is preferred, in steps of ½: shares
 * move by whole prompts, and shorter steps would ask about a handful of them.
 */
export const measureInterpolationAccuracy: Measure = (context, subject) =>
  interpolate(context, subject, steps(4), (margin) => (prefersChosen(margin) ? 1 : 0));
