/** Claims by what made their evidence, and what stands beside a claim by its role; both in the order of the run. */

import type { CaseName, ClaimReport, ControlReport } from '../claims/index.js';

/** Where a claim's evidence comes from, as a heading. */
export const groupTitle = ({
  experiment,
  comparison,
}: Pick<CaseName, 'experiment' | 'comparison'>): string => {
  if (comparison?.kind === 'trend') return 'trends over experiments';
  if (experiment === null) return 'properties over random tensors';
  return comparison === null ? experiment : `${experiment} against ${comparison.experiment}`;
};

/** Tells cases apart between runs: claims by themselves may be judged in several experiments. */
export const caseKey = ({ id, experiment, comparison }: CaseName): string => {
  if (comparison === null) return JSON.stringify([id, experiment]);
  const { kind } = comparison;
  const others = kind === 'trend' ? comparison.experiments : [comparison.experiment];
  return JSON.stringify([id, experiment, kind, ...others]);
};

/** A case in words: `cosine-concentration (many-frames)`. */
export const caseTitle = (name: CaseName): string => `${name.id} (${groupTitle(name)})`;

/** By `groupTitle`. */
export const groupByEvidence = (
  claims: readonly ClaimReport[],
): ReadonlyMap<string, readonly ClaimReport[]> => {
  const groups = new Map<string, ClaimReport[]>();
  for (const claim of claims) {
    const title = groupTitle(claim);
    const group = groups.get(title);
    if (group === undefined) groups.set(title, [claim]);
    else group.push(claim);
  }
  return groups;
};

/** What a claim has to beat, and what is only shown beside it. */
export const controlsByRole = ({
  controls,
}: Pick<ClaimReport, 'controls'>): Readonly<Record<ControlReport['role'], readonly ControlReport[]>> => ({
  control: controls.filter(({ role }) => role === 'control'),
  companion: controls.filter(({ role }) => role === 'companion'),
});
