/** The random-direction control: the same measure with norm-matched random vectors in the place of v*. */
import { ComputationError, createRandom } from '../../base/index.js';
import { normMatchedRandomDirections } from '../../geometry/index.js';
import { norm } from '../../linalg/index.js';
import { rankPValue } from '../../statistics/index.js';
import { type CrossFittedVectors, crossFitted } from '../evidence/cross-fitted-vectors.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Site } from '../evidence/variant.js';
import { type Measurement, ones } from './measurement.js';

/** Directions drawn for each control (the rules of evidence ask for at least 20). */
export const randomDirectionCount = 20;

/** Random counterparts of the cross-fitted vectors of `site`, each of the norm of the vector it stands for. */
export const randomVectors = (evidence: SeedEvidence, site: Site): CrossFittedVectors[] => {
  const { byFold } = evidence.vectors('dpo', site);
  const random = createRandom(evidence.seed).fork('random-directions').fork(String(site));
  const unit = normMatchedRandomDirections(randomDirectionCount, 1, byFold[0].length, random);
  return unit.map((direction) => {
    const scaled = (vector: Float64Array) => direction.map((value) => value * norm(vector));
    return crossFitted([scaled(byFold[0]), scaled(byFold[1])], evidence.data.folds);
  });
};

/**
 * Where the claim's own value stands among those of random directions.
 *
 * @throws ComputationError where one of them is undefined, as no displacement has a direction
 */
export const rankAmong = (own: number, values: readonly number[]) => {
  if ([own, ...values].some(Number.isNaN)) {
    throw new ComputationError('undefined (NaN) on all prompts together: some displacement is zero');
  }
  return { directions: values.length, highest: Math.max(...values), rankP: rankPValue(own, values) };
};

/** The mean of several statistics under the same weights. */
export const meanOfStatistics =
  (statistics: readonly Measurement['statistic'][]): Measurement['statistic'] =>
  (weights) =>
    statistics.reduce((sum, statistic) => sum + statistic(weights), 0) / statistics.length;

/** The mean over random directions, with the rank of the claim's own value among them in the details. */
export const averageOverDirections = (own: Measurement, random: readonly Measurement[]): Measurement => {
  const all = ones(own.clusters.length);
  return {
    n: own.n,
    clusters: own.clusters,
    statistic: meanOfStatistics(random.map(({ statistic }) => statistic)),
    details: {
      ...random[0]?.details,
      ...rankAmong(
        own.statistic(all),
        random.map(({ statistic }) => statistic(all)),
      ),
    },
  };
};
