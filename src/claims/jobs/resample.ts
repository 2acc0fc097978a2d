/** From a statistic of prompt weights to its value in every resample. */
import { bootstrap, drawResamples, type Resamples } from '../../statistics/index.js';
import type { Measurement } from '../metrics/index.js';
import type { TaskResult } from './job.js';

/** Seed of every bootstrap: all of them resample the same prompts, so differences are paired. */
const bootstrapSeed = 'bootstrap';

/** Resamples of each grouping of prompts that a job's measurements have: drawn once. */
export const createResampler = () => {
  const drawn: Resamples[] = [];
  const resamplesOf = (clusters: readonly string[], draws: number): Resamples => {
    const known = drawn.find(
      (one) =>
        one.weights.length === draws &&
        one.clusters.length === clusters.length &&
        clusters.every((cluster, i) => cluster === one.clusters[i]),
    );
    if (known) return known;
    const made = drawResamples({ clusters, draws, seed: bootstrapSeed });
    drawn.push(made);
    return made;
  };
  return (measurement: Measurement, draws: number): TaskResult =>
    resample(measurement, draws, resamplesOf(measurement.clusters, draws));
};

/** @throws ComputationError where the statistic is undefined on all prompts, or in too many resamples */
export const resample = (
  measurement: Measurement,
  draws: number,
  resamples = drawResamples({ clusters: measurement.clusters, draws, seed: bootstrapSeed }),
): TaskResult => {
  const { n, clusters, statistic, counts, details, counterexample } = measurement;
  const resampled = bootstrap({ clusters, statistic, draws, seed: bootstrapSeed, resamples });
  return {
    state: 'measured',
    n,
    estimate: resampled.estimate,
    draws: resampled.draws,
    resampling: resampled.resampling,
    independent: new Set(clusters).size === clusters.length,
    details,
    ...(counts === undefined ? {} : { counts }),
    ...(counterexample === undefined ? {} : { counterexample }),
  };
};
