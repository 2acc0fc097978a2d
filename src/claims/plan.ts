/** The planner: evidence that several claims share is made once. */
import { resolve } from 'node:path';
import { type VariantControl, variantControls } from './metrics/catalogue.js';
import type { SelectedCase } from './spec/catalogue.js';
import type { LoadedExperiment } from './spec/load.js';

export interface EvidencePlan {
  readonly experiment: LoadedExperiment;
  readonly seeds: readonly number[];
  /** Control policies that any of the cases needs, beside the DPO policy. */
  readonly variants: readonly VariantControl[];
  /** Positions of this experiment's cases in the request. */
  readonly cases: readonly number[];
}

/** One plan an experiment, in the order in which the cases first name it. */
export const planEvidence = (cases: readonly SelectedCase[], seed?: number): EvidencePlan[] => {
  const byFile = new Map<string, { experiment: LoadedExperiment; cases: number[] }>();
  cases.forEach(({ experiment }, index) => {
    if (experiment === undefined) return;
    const file = resolve(experiment.file);
    const entry = byFile.get(file) ?? { experiment, cases: [] };
    entry.cases.push(index);
    byFile.set(file, entry);
  });
  return [...byFile.values()].map(({ experiment, cases: indices }) => ({
    experiment,
    seeds: seed === undefined ? experiment.value.seeds : [seed],
    variants: variantControls.filter((control) =>
      indices.some((index) => cases[index]?.claimCase.controls[control] !== undefined),
    ),
    cases: indices,
  }));
};
