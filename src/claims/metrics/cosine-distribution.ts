/** `cosine-bimodality`: whether the cosines of displacements to v* fall apart into two groups. */
import { cosinesToVectors } from '../../geometry/index.js';
import { quantile, sarleCoefficient, twoGroupShare } from '../../statistics/index.js';
import { type Measure, sitesOf, variantOf } from './context.js';

const shareOf = (values: Float64Array, wanted: (value: number) => boolean): number =>
  values.filter(wanted).length / values.length;

/**
 * Otsu's separability of cos(Δh_i, v*), v* from the other fold, at the first of the selected layers: .64 to .75 of one
 * group, near 1 of two that lie apart. Quantiles, the shares below 0 and from 0.9 on, and Sarle's coefficient are in
 * the details.
 */
export const measureCosineBimodality: Measure = async ({ evidence, layers }, subject) => {
  const [site = 'postNorm'] = sitesOf(layers, evidence.layers);
  const { judging } = evidence.vectors(variantOf(subject), site);
  const cosines = cosinesToVectors(evidence.displacement(variantOf(subject), site), judging);
  const order = Uint32Array.from(cosines, (_, index) => index).sort(
    (a, b) => (cosines[a] as number) - (cosines[b] as number),
  );
  const ordered = Float64Array.from(order, (index) => cosines[index] as number);
  const { clusters } = evidence.data;
  return {
    n: clusters.length,
    clusters,
    statistic: (weights) =>
      twoGroupShare(
        ordered,
        Float64Array.from(order, (index) => weights[index] as number),
      ),
    details: {
      sarle: sarleCoefficient(cosines),
      median: quantile(cosines, 0.5),
      p05: quantile(cosines, 0.05),
      p95: quantile(cosines, 0.95),
      shareBelow0: shareOf(cosines, (value) => value < 0),
      shareAbove09: shareOf(cosines, (value) => value >= 0.9),
    },
  };
};
