/** Metrics of the displacement's shape: cosine to v*, σ2/σ1, the leading direction. */
import { cosinesToVectors, createSpectrumSampler, type SpectrumSampler } from '../../geometry/index.js';
import { cosine } from '../../linalg/index.js';
import { mean, quantile } from '../../statistics/index.js';
import type { CrossFittedVectors, SeedEvidence, Site, Variant } from '../evidence/seed-evidence.js';
import { type Measure, type MetricContext, type Subject, sitesOf, variantOf } from './context.js';
import { type Measurement, meanStatistic, ones } from './measurement.js';
import { meanOfStatistics, randomVectors, rankAmong } from './random-directions.js';

const overSites = async (
  { evidence, layers }: MetricContext,
  measureAt: (site: Site) => Measurement,
  combine: (values: number[]) => number,
): Promise<Measurement> => {
  const measurements = sitesOf(layers, evidence.layers).map(measureAt);
  const [first] = measurements;
  if (first === undefined || measurements.length === 1) return first as Measurement;
  return {
    ...first,
    statistic: (weights) => combine(measurements.map(({ statistic }) => statistic(weights))),
  };
};

const cosines = (
  evidence: SeedEvidence,
  variant: Variant,
  site: Site,
  vectors: CrossFittedVectors,
): Float64Array => cosinesToVectors(evidence.displacement(variant, site), vectors.judging);

/** `cosine-to-steering-vector`: mean over held-out prompts of cos(Δh_i, v*), v* from the other fold. */
export const measureCosine: Measure = (context, subject) =>
  overSites(
    context,
    (site) => {
      const { evidence } = context;
      const { clusters } = evidence.data;
      const variant = variantOf(subject);
      const own = cosines(evidence, variant, site, evidence.vectors(variant, site));
      if (subject !== 'random-directions') {
        return {
          n: own.length,
          clusters,
          statistic: meanStatistic(own),
          details: {
            median: quantile(own, 0.5),
            p05: quantile(own, 0.05),
            shareAbove09: own.filter((value) => value >= 0.9).length / own.length,
          },
        };
      }
      const random = randomVectors(evidence, site).map((vectors) =>
        meanStatistic(cosines(evidence, 'dpo', site, vectors)),
      );
      const all = ones(own.length);
      const values = random.map((statistic) => statistic(all));
      return {
        n: own.length,
        clusters,
        statistic: meanOfStatistics(random),
        details: rankAmong(meanStatistic(own)(all), values),
      };
    },
    mean,
  );

/** Energy, as a multiple of σ2², that bootstrap draws leave out: at n ≥ 500 it moves σ2/σ1 by two parts in a thousand. */
const discardedEnergy = 2;

const samplerOf = (evidence: SeedEvidence, variant: Variant, site: Site): SpectrumSampler =>
  createSpectrumSampler(evidence.displacement(variant, site), { discard: discardedEnergy });

/** `singular-value-ratio`: σ2/σ1 of ΔH, uncentred; of several layers the largest. */
export const measureSingularValueRatio: Measure = (context, subject) =>
  overSites(
    context,
    (site) => {
      const { evidence } = context;
      const sampler = samplerOf(evidence, variantOf(subject), site);
      return {
        n: evidence.data.heldOut.length,
        clusters: evidence.data.clusters,
        statistic: (weights) => sampler.sigma2OverSigma1(weights),
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
      const { folds, clusters, heldOut } = evidence.data;
      const variant = variantOf(subject);
      const sampler = samplerOf(evidence, variant, site);
      const leading = (weights: Float64Array): Float64Array[] =>
        [0, 1].map((fold) =>
          sampler.leadingDirection(weights.map((weight, index) => (folds[index] === fold ? weight : 0))),
        );
      const agreement = (sides: readonly Float64Array[], { byFold }: CrossFittedVectors): number =>
        mean(sides.map((side, fold) => absoluteCosine(side, byFold[fold === 0 ? 1 : 0])));
      const own = (weights: Float64Array) => agreement(leading(weights), evidence.vectors(variant, site));
      if (subject !== 'random-directions') {
        return { n: heldOut.length, clusters, statistic: own, details: {} };
      }
      const vectors = randomVectors(evidence, site);
      const against = (weights: Float64Array): number[] => {
        const sides = leading(weights);
        return vectors.map((pair) => agreement(sides, pair));
      };
      const values = against(ones(heldOut.length));
      return {
        n: heldOut.length,
        clusters,
        statistic: (weights) => mean(against(weights)),
        details: rankAmong(own(ones(heldOut.length)), values),
      };
    },
    mean,
  );
