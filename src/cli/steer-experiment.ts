/** λ sweeps of one experiment: what base + λv* and policy − λv* prefer on held-out prompts. */

import { extractHiddenStates, readoutPositions } from '../activations/index.js';
import type { Progress } from '../base/index.js';
import { prepareExperiment, runInitialStages } from '../claims/index.js';
import { type EngineName, startEngine } from '../engine/index.js';
import { crossFitVectors, displacements } from '../geometry/index.js';
import type { LanguageModel } from '../model/index.js';
import { collectCompletionStates, lambdaSweep } from '../steering/index.js';
import type { ArtefactStore } from '../store/index.js';
import { referenceLogps, trainDpo } from '../training/index.js';
import { loadExperiment } from './train-experiment.js';

export interface SteerExperimentOptions {
  readonly lambdas: readonly number[];
  /** Default: the experiment's first. */
  readonly seed?: number;
  /** Let the specification name files outside its folder. Default: that is refused. */
  readonly allowOutside?: boolean;
  readonly engine: EngineName | 'auto';
  /** Where trained policies are kept. */
  readonly store?: ArtefactStore;
  readonly progress: Progress;
}

/** Behaviour of one model on the held-out prompts. */
export interface SteeredBehaviour {
  /** Mean of log p(chosen) − log p(rejected). */
  readonly meanMargin: number;
  /** Share of prompts whose chosen completion is the likelier one. */
  readonly preferenceAccuracy: number;
}

export interface SweepRow {
  readonly lambda: number;
  /** base + λv* */
  readonly installed: SteeredBehaviour;
  /** policy − λv* */
  readonly inverted: SteeredBehaviour;
}

export interface SteerResult {
  readonly experiment: string;
  readonly seed: number;
  /** Held-out prompts; each is steered by the vector of the fold that it is not in. */
  readonly n: number;
  readonly base: SteeredBehaviour;
  readonly policy: SteeredBehaviour;
  readonly rows: readonly SweepRow[];
}

const onlyBehaviour = ({ meanMargin, preferenceAccuracy }: SteeredBehaviour): SteeredBehaviour => ({
  meanMargin,
  preferenceAccuracy,
});

/** Trains the experiment's policy and sweeps λ at the final hidden state, over all positions of the completion. */
export const steerExperiment = async (
  file: string,
  { lambdas, seed: askedSeed, engine, store, progress, allowOutside }: SteerExperimentOptions,
): Promise<SteerResult> => {
  const experiment = await loadExperiment(file, allowOutside);
  const { training, seeds, readout, experiment: name } = experiment.value;
  const seed = askedSeed ?? seeds[0] ?? 0;
  const { name: engineName } = await startEngine(engine);
  progress.note(`engine ${engineName}, seed ${seed}`);
  const { model: base, data } = await prepareExperiment(experiment);
  await runInitialStages(experiment, base, data, { store, progress });
  const { train, heldOut, folds } = data;
  const policy = base.clone();
  try {
    await trainDpo(policy, train, await referenceLogps(base, train), training, { seed, store, progress });
    const items = readoutPositions(heldOut, readout);
    const before = await extractHiddenStates(base, items, { progress });
    const after = await extractHiddenStates(policy, items, { progress });
    const n = heldOut.length;
    const delta = displacements(before.postNorm, after.postNorm, n, before.hiddenSize);
    const byFold = crossFitVectors(delta, folds).map((vector) => Float32Array.from(vector));
    const sweep = async (model: LanguageModel, sign: 1 | -1): Promise<SteeredBehaviour[]> => {
      const states = await collectCompletionStates(model, heldOut, { progress });
      const vectorFor = (index: number): Float32Array =>
        byFold[folds[index] === 0 ? 1 : 0] ?? new Float32Array(0);
      const signed = [0, ...lambdas.map((lambda) => sign * lambda)];
      return lambdaSweep(states, model.unembedding(), { vectorFor }, signed);
    };
    const [baseAlone, ...installed] = (await sweep(base, 1)).map(onlyBehaviour);
    const [policyAlone, ...inverted] = (await sweep(policy, -1)).map(onlyBehaviour);
    if (baseAlone === undefined || policyAlone === undefined) throw new RangeError('an empty sweep');
    const rows = lambdas.flatMap((lambda, index): SweepRow[] => {
      const [plus, minus] = [installed[index], inverted[index]];
      return plus === undefined || minus === undefined ? [] : [{ lambda, installed: plus, inverted: minus }];
    });
    return { experiment: name, seed, n, base: baseAlone, policy: policyAlone, rows };
  } finally {
    policy.dispose();
    base.dispose();
  }
};
