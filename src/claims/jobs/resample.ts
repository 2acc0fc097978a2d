/** From a statistic of prompt weights to its value in every resample. */
import { bootstrap } from '../../statistics/index.js';
import type { Measurement } from '../metrics/index.js';
import type { TaskResult } from './job.js';

/** Seed of every bootstrap: all of them resample the same prompts, so differences are paired. */
const bootstrapSeed = 'bootstrap';

/** @throws ComputationError where the statistic is undefined on all prompts, or in too many resamples */
export const resample = (measurement: Measurement, draws: number): TaskResult => {
  const { n, clusters, statistic, counts, details, counterexample } = measurement;
  const resampled = bootstrap({ clusters, statistic, draws, seed: bootstrapSeed });
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
