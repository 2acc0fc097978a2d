/** Variation over training seeds, apart from the sampling of prompts. */

import { mean, standardDeviation } from './summary.js';

export interface SeedSpread {
  readonly mean: number;
  /** Sample standard deviation (n − 1); NaN of one seed. */
  readonly sd: number;
  readonly lowest: number;
  readonly highest: number;
}

/** How far the estimates of several training seeds lie apart. */
export const seedSpread = (estimates: readonly number[]): SeedSpread => ({
  mean: mean(estimates),
  sd: standardDeviation(estimates),
  lowest: Math.min(...estimates),
  highest: Math.max(...estimates),
});
