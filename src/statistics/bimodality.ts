/** Whether a sample falls apart into two groups. */

import { UsageError } from '../base/index.js';

/**
 * Otsu's separability (1979): the share of a sample's variance that the best cut into a low and a high group explains,
 * max over cuts of p·q·(μ_high − μ_low)²/σ². A normal sample has 2/π = .64, an exponential one .65, a uniform one .75,
 * two equal spikes 1: far less moved by skewness, which one-sided quantities such as cosines near 1 always have, than
 * Sarle's coefficient. NaN of a sample without spread.
 *
 * @param values in ascending order
 * @param weights how often each value counts; once where left out
 * @throws {UsageError} if there are not as many weights as values
 */
export const twoGroupShare = (values: ArrayLike<number>, weights?: ArrayLike<number>): number => {
  if (weights && weights.length !== values.length) {
    throw new UsageError(`${values.length} values need as many weights, not ${weights.length}`);
  }
  let total = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = weights ? (weights[i] as number) : 1;
    total += weight;
    sum += weight * (values[i] as number);
  }
  const mean = sum / total;
  let variance = 0;
  let below = 0;
  let belowSum = 0;
  let between = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = weights ? (weights[i] as number) : 1;
    const deviation = (values[i] as number) - mean;
    variance += weight * deviation * deviation;
    // The cut lies before value i: low and high group differ in mean by D/p + D/q, D the low group's summed deviation.
    if (below > 0 && below < total) {
      between = Math.max(between, (belowSum * belowSum * total) / (below * (total - below)));
    }
    below += weight;
    belowSum += weight * deviation;
  }
  return variance > 0 ? between / variance : Number.NaN;
};

/**
 * Sarle's bimodality coefficient (γ² + 1)/κ of skewness γ and kurtosis κ, both of the population: 1/3 of a normal sample,
 * 5/9 of a uniform one, 1 of two spikes. Skewed samples exceed 5/9 without having two groups. NaN without spread.
 */
export const sarleCoefficient = (values: ArrayLike<number>): number => {
  const n = values.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += (values[i] as number) / n;
  const moment = (power: number): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += ((values[i] as number) - mean) ** power;
    return sum / n;
  };
  const variance = moment(2);
  return variance > 0 ? (moment(3) ** 2 / variance ** 3 + 1) / (moment(4) / variance ** 2) : Number.NaN;
};
