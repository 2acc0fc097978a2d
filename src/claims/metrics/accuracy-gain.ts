/** `accuracy-gain`: how many more held-out prompts the policy prefers the chosen answer on than the base does. */
import { prefersChosen } from '../../steering/index.js';
import { type Measure, variantOf } from './context.js';
import { meanStatistic, ones } from './measurement.js';

const preferences = (margins: Float64Array): Float64Array =>
  margins.map((margin) => (prefersChosen(margin) ? 1 : 0));

export const measureAccuracyGain: Measure = async ({ evidence }, subject) => {
  const variant = variantOf(subject);
  const before = preferences(evidence.startOf(variant).margins);
  const after = preferences(evidence.variant(variant).margins);
  const all = ones(before.length);
  return {
    n: before.length,
    clusters: evidence.data.clusters,
    statistic: meanStatistic(after.map((value, index) => value - (before[index] ?? 0))),
    details: { before: meanStatistic(before)(all), after: meanStatistic(after)(all) },
  };
};
