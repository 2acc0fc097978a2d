/** Metrics of how many dimensions the displacements take: entropies, counts of directions, the mean's share. */
import { ComputationError } from '../../base/index.js';
import {
  componentsForShare,
  createEnergyShareSampler,
  entropyOfShares,
  participationOfShares,
} from '../../geometry/index.js';
import { dot } from '../../linalg/index.js';
import { mean } from '../../statistics/index.js';
import type { Site } from '../evidence/variant.js';
import { type Measure, type MetricContext, type Subject, sitesOf } from './context.js';
import { displacementOf } from './displacement.js';
import { foldMeans } from './fold-means.js';
import { type Measurement, ones } from './measurement.js';

/** Averages a statistic of ΔH over the layers of the selection. */
const overLayers = (
  { evidence, layers }: MetricContext,
  statisticAt: (site: Site) => Measurement['statistic'],
  detailsOf: (estimates: readonly number[]) => Measurement['details'] = () => ({}),
): Measurement => {
  const { clusters } = evidence.data;
  const statistics = sitesOf(layers, evidence.layers).map(statisticAt);
  const all = ones(clusters.length);
  return {
    n: clusters.length,
    clusters,
    statistic: (weights) => mean(statistics.map((statistic) => statistic(weights))),
    details: detailsOf(statistics.map((statistic) => statistic(all))),
  };
};

/** A statistic of the uncentred energy shares of ΔH at a site. */
const ofShares =
  ({ evidence }: MetricContext, subject: Subject, statistic: (shares: Float64Array) => number) =>
  (site: Site): Measurement['statistic'] => {
    const shares = createEnergyShareSampler(displacementOf(evidence, subject, site));
    return (weights) => statistic(shares(weights));
  };

/** Lower layers: the first half of the depth, l / L < 0.5. */
const lowerLayers = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => index + 1).filter((layer) => layer / count < 0.5);

/**
 * `spectral-entropy-drop`: mean spectral entropy (nats, uncentred ΔH) of the layers below half the depth, less that of
 * the selected ones: positive where the spectrum collapses on the way up.
 *
 * @throws ComputationError where the model has no layer below half its depth
 */
export const measureSpectralEntropyDrop: Measure = async (context, subject) => {
  const lower = lowerLayers(context.evidence.layers);
  if (lower.length === 0) {
    throw new ComputationError(`a model of ${context.evidence.layers} layers has none below half its depth`);
  }
  const entropyAt = ofShares(context, subject, entropyOfShares);
  const below = lower.map(entropyAt);
  const belowMean: Measurement['statistic'] = (weights) => mean(below.map((statistic) => statistic(weights)));
  const above = overLayers(context, entropyAt);
  const all = ones(above.n);
  return {
    ...above,
    statistic: (weights) => belowMean(weights) - above.statistic(weights),
    details: { lower: belowMean(all), upper: above.statistic(all) },
  };
};

/** `participation-ratio`: (Σσ²)²/Σσ⁴ of ΔH, how many equal directions would be as spread. */
export const measureParticipationRatio: Measure = async (context, subject) =>
  overLayers(context, ofShares(context, subject, participationOfShares));

/** `components-80`, `components-95`: how many directions hold that share of the energy, counted continuously. */
export const componentsMeasure =
  (share: number): Measure =>
  async (context, subject) =>
    overLayers(
      context,
      ofShares(context, subject, (shares) => componentsForShare(shares, share)),
      (estimates) => ({ directions: Math.max(...estimates.map((value) => Math.ceil(value - 1e-9))) }),
    );

/**
 * `mean-energy-share`: ⟨v̄_0, v̄_1⟩ / mean‖Δh‖², v̄_f the mean of fold f: the share of the energy that a common shift
 * carries. Across folds, so that displacements around nothing have 0 on average and not the 1/n of their own mean.
 */
export const measureMeanEnergyShare: Measure = async (context, subject) => {
  const { folds } = context.evidence.data;
  return overLayers(context, (site) => {
    const delta = displacementOf(context.evidence, subject, site);
    const energies = Float64Array.from({ length: delta.rows }, (_, i) => {
      const own = delta.data.subarray(i * delta.columns, (i + 1) * delta.columns);
      return dot(own, own);
    });
    return (weights) => {
      let energy = 0;
      let total = 0;
      for (let i = 0; i < weights.length; i++) {
        energy += (weights[i] as number) * (energies[i] as number);
        total += weights[i] as number;
      }
      const [first, second] = foldMeans(delta, folds, weights);
      return (dot(first, second) * total) / energy;
    };
  });
};
