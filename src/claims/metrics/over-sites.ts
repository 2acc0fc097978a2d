/** One measurement over all sites of a selection. */
import type { Site } from '../evidence/variant.js';
import { type MetricContext, sitesOf } from './context.js';
import type { Measurement } from './measurement.js';

/** Measures at each site; counts and details are those of the first. */
export const overSites = async (
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
