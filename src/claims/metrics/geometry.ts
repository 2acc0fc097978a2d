/** Metrics of the displacement's shape: cosine to v*, σ2/σ1, the leading direction. */
import { cosinesToVectors, createLeadingDirectionSampler, createRatioSampler } from '../../geometry/index.js';
import { cosine } from '../../linalg/index.js';
import { mean, quantile } from '../../statistics/index.js';
import type { CrossFittedVectors } from '../evidence/cross-fitted-vectors.js';
import type { Measure, Subject } from './context.js';
import { displacementOf, judgedDisplacement } from './displacement.js';
import { type Measurement, meanStatistic, ones } from './measurement.js';
import { overSites } from './over-sites.js';
import { averageOverDirections, rankAmong } from './random-directions.js';

const cosineMeasurement = (values: Float64Array, clusters: readonly string[]): Measurement => ({
  n: values.length,
  clusters,
  statistic: meanStatistic(values),
  details: {
    median: quantile(values, 0.5),
    p05: quantile(values, 0.05),
    shareAbove09: values.filter((value) => value >= 0.9).length / values.length,
  },
});

/** `cosine-to-steering-vector`: mean over held-out prompts of cos(Δh_i, v*), v* from the other fold. */
export const measureCosine: Measure = (context, subject) =>
  overSites(
    context,
    (site) => {
      const { evidence } = context;
      const { clusters } = evidence.data;
      const { delta, families } = judgedDisplacement(evidence, subject, site);
      const measurements = families.map(({ judging }) =>
        cosineMeasurement(cosinesToVectors(delta, judging), clusters),
      );
      if (subject !== 'random-directions') return measurements[0] as Measurement;
      const own = cosinesToVectors(delta, evidence.vectors('dpo', site).judging);
      return averageOverDirections(cosineMeasurement(own, clusters), measurements);
    },
    mean,
  );

/** Energy, as a multiple of σ2², that bootstrap draws leave out: at n ≥ 500 it moves σ2/σ1 by two parts in a thousand. */
const drawn = { discard: 2 };

/** `singular-value-ratio`: σ2/σ1 of ΔH, uncentred; of several layers the largest. */
export const measureSingularValueRatio: Measure = (context, subject) =>
  overSites(
    context,
    (site) => {
      const { evidence } = context;
      const statistic = createRatioSampler(displacementOf(evidence, subject, site), drawn);
      return {
        n: evidence.data.clusters.length,
        clusters: evidence.data.clusters,
        statistic,
        details: typeof site === 'number' ? { layer: site } : {},
      };
    },
    (values) => Math.max(...values),
  );

const absoluteCosine = (a: Float64Array, b: Float64Array): number => Math.abs(cosine(a, b));

/**
 * `leading-direction-cosine`: |cos(u1, v*)| with u1 the leading right singular vector of one fold's ΔH and v* the mean
 * of the other fold's, averaged over the two ways round.
 */
export const measureLeadingDirection: Measure = (context, subject: Subject) =>
  overSites(
    context,
    (site) => {
      const { evidence } = context;
      const { folds, clusters } = evidence.data;
      const { delta, families } = judgedDisplacement(evidence, subject, site);
      const sample = createLeadingDirectionSampler(delta, drawn);
      const leading = (weights: Float64Array): Float64Array[] =>
        [0, 1].map((fold) => sample(weights.map((weight, index) => (folds[index] === fold ? weight : 0))));
      const agreement = (sides: readonly Float64Array[], { byFold }: CrossFittedVectors): number =>
        mean(sides.map((side, fold) => absoluteCosine(side, byFold[fold === 0 ? 1 : 0])));
      const against = (weights: Float64Array): number[] => {
        const sides = leading(weights);
        return families.map((vectors) => agreement(sides, vectors));
      };
      const measurement: Measurement = {
        n: clusters.length,
        clusters,
        statistic: (weights) => mean(against(weights)),
        details: {},
      };
      if (subject !== 'random-directions') return measurement;
      const all = ones(clusters.length);
      const own = agreement(leading(all), evidence.vectors('dpo', site));
      return { ...measurement, details: rankAmong(own, against(all)) };
    },
    mean,
  );
