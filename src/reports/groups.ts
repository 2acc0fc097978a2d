/** Claims by the experiment that made their evidence, in the order in which a run judged them. */

import type { ClaimReport } from '../claims/index.js';

export const groupByExperiment = (
  claims: readonly ClaimReport[],
): Map<string | null, readonly ClaimReport[]> => {
  const groups = new Map<string | null, ClaimReport[]>();
  for (const claim of claims) {
    const group = groups.get(claim.experiment);
    if (group === undefined) groups.set(claim.experiment, [claim]);
    else group.push(claim);
  }
  return groups;
};

/** Name of a group: properties over random tensors belong to no experiment. */
export const experimentTitle = (experiment: string | null): string =>
  experiment ?? 'properties over random tensors';
