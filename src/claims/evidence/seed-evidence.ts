/** All evidence of one experiment under one training seed; each variant of the policy is made once, when first asked. */
import { extractHiddenStates, readoutPositions } from '../../activations/index.js';
import { ComputationError, type Progress } from '../../base/index.js';
import type { EncodedPreference } from '../../data/index.js';
import { relabel } from '../../data/index.js';
import { crossFitVectors, displacements, meanRowNorm } from '../../geometry/index.js';
import type { Matrix } from '../../linalg/index.js';
import type { LanguageModel } from '../../model/index.js';
import {
  type DpoConfig,
  type ReferenceLogps,
  type TrainingResult,
  trainDpo,
  trainSft,
} from '../../training/index.js';
import type { VariantControl } from '../metrics/catalogue.js';
import type { ExperimentSpec } from '../spec/schema.js';
import type { ExperimentData } from './experiment-data.js';
import { createPlacebo } from './placebo-noise.js';
import { collectPolicyEvidence, type PolicyEvidence } from './policy-evidence.js';

/** `dpo` is the policy that the claims are about. */
export type Variant = 'dpo' | VariantControl;

/** A layer 1..L of the residual stream, or the final hidden state. */
export type Site = number | 'postNorm';

export interface SeedEvidence {
  readonly experiment: ExperimentSpec;
  readonly seed: number;
  readonly data: ExperimentData;
  readonly layers: number;
  readonly base: PolicyEvidence;
  variant(name: Variant): PolicyEvidence;
  /** Training record of a variant; none for the noise placebo. */
  training(name: Variant): TrainingResult | undefined;
  /** ΔH [n, d] of a variant at a site. */
  displacement(name: Variant, site: Site): Matrix;
  /** v* of each fold at a site: row i is judged by the vector of the fold that it is not in. */
  vectors(name: Variant, site: Site): CrossFittedVectors;
  dispose(): void;
}

export interface CrossFittedVectors {
  /** Mean Δh of fold 0 and of fold 1, [d] each. */
  readonly byFold: readonly [Float64Array, Float64Array];
  /** The vector that judges prompt `index`: estimated on the other fold. */
  readonly judging: (index: number) => Float64Array;
  /** The same in float32, as interventions take it. */
  readonly steering: (index: number) => Float32Array;
}

/** Vectors of two folds as a judge of prompts. */
export const crossFitted = (byFold: CrossFittedVectors['byFold'], folds: Uint8Array): CrossFittedVectors => {
  const single = byFold.map((vector) => Float32Array.from(vector)) as [Float32Array, Float32Array];
  const otherFold = (index: number): 0 | 1 => (folds[index] === 0 ? 1 : 0);
  return {
    byFold,
    judging: (index) => byFold[otherFold(index)],
    steering: (index) => single[otherFold(index)],
  };
};

export interface SeedEvidenceOptions {
  readonly experiment: ExperimentSpec;
  readonly seed: number;
  readonly data: ExperimentData;
  readonly baseModel: LanguageModel;
  readonly base: PolicyEvidence;
  readonly reference: ReferenceLogps;
  readonly variants: readonly Variant[];
  readonly progress: Progress;
}

/** Held-out prompts on which the placebo's size is matched. */
const probePrompts = 128;

const statesAt = ({ hidden }: PolicyEvidence, site: Site): Float32Array => {
  if (site === 'postNorm') return hidden.postNorm;
  const states = hidden.residual[site - 1];
  if (states === undefined) throw new RangeError(`layer ${site} of ${hidden.layers}`);
  return states;
};

const memoise = <Value>(make: (variant: Variant, site: Site) => Value) => {
  const made = new Map<string, Value>();
  return (variant: Variant, site: Site): Value => {
    const key = `${variant}/${site}`;
    const known = made.get(key) ?? make(variant, site);
    made.set(key, known);
    return known;
  };
};

const swapReference = (
  reference: ReferenceLogps,
  original: readonly EncodedPreference[],
  relabelled: readonly EncodedPreference[],
): ReferenceLogps => {
  const swapped = original.map((tuple, index) => tuple.chosen !== relabelled[index]?.chosen);
  const pick = (a: Float64Array, b: Float64Array) =>
    a.map((value, index) => (swapped[index] ? (b[index] ?? value) : value));
  return {
    chosen: pick(reference.chosen, reference.rejected),
    rejected: pick(reference.rejected, reference.chosen),
  };
};

/** Trains or perturbs each variant in turn and reads it on the held-out prompts. */
export const collectSeedEvidence = async (options: SeedEvidenceOptions): Promise<SeedEvidence> => {
  const { experiment, seed, data, baseModel, base, reference, variants, progress } = options;
  const { heldOut, folds } = data;
  const policies = new Map<Variant, PolicyEvidence>();
  const trainings = new Map<Variant, TrainingResult>();
  const failures = new Map<Variant, ComputationError>();
  const read = (model: LanguageModel) => collectPolicyEvidence(model, heldOut, experiment.readout, progress);
  let dpoModel: LanguageModel | undefined;
  const trainVariant = async (
    name: Exclude<Variant, 'placebo-noise'>,
    model: LanguageModel,
  ): Promise<void> => {
    const config: DpoConfig = experiment.training;
    const training = { seed, progress };
    if (name === 'sft') {
      const examples = data.train.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
      trainings.set(name, await trainSft(model, examples, config, training));
      return;
    }
    const labelled = name === 'dpo' ? data.train : relabel(data.train, 'shuffled', seed);
    const logps = name === 'dpo' ? reference : swapReference(reference, data.train, labelled);
    trainings.set(name, await trainDpo(model, labelled, logps, config, training));
  };
  const policyOf = (name: Variant): PolicyEvidence => {
    const failure = failures.get(name);
    if (failure !== undefined) throw failure;
    const policy = policies.get(name);
    if (policy === undefined) throw new RangeError(`the plan made no evidence for ${name}`);
    return policy;
  };
  const displacement = memoise((name, site) =>
    displacements(
      statesAt(base, site),
      statesAt(policyOf(name), site),
      heldOut.length,
      base.hidden.hiddenSize,
    ),
  );
  const vectors = memoise((name, site) =>
    crossFitted(crossFitVectors(displacement(name, site), folds), folds),
  );
  const makePlacebo = async (): Promise<LanguageModel> => {
    if (dpoModel === undefined) throw new RangeError('the placebo needs the DPO policy first');
    const probes = readoutPositions(heldOut.slice(0, probePrompts), experiment.readout);
    const probeBase = statesAt(base, 'postNorm').subarray(0, probes.length * base.hidden.hiddenSize);
    const normOn = (states: Float32Array) =>
      meanRowNorm(displacements(probeBase, states, probes.length, base.hidden.hiddenSize));
    const dpoStates = statesAt(policyOf('dpo'), 'postNorm').subarray(0, probeBase.length);
    const { model } = await createPlacebo({
      base: baseModel,
      policy: dpoModel,
      targetNorm: normOn(dpoStates),
      measureNorm: async (candidate) => normOn((await extractHiddenStates(candidate, probes)).postNorm),
      seed,
    });
    return model;
  };
  const collect = async (name: Variant): Promise<void> => {
    const model = name === 'placebo-noise' ? await makePlacebo() : baseModel.clone();
    try {
      if (name !== 'placebo-noise') await trainVariant(name, model);
      policies.set(name, await read(model));
    } catch (error) {
      model.dispose();
      throw error;
    }
    if (name === 'dpo') dpoModel = model;
  };
  for (const name of ['dpo', ...variants.filter((variant) => variant !== 'dpo')] as const) {
    progress.note(`${experiment.experiment}, seed ${seed}: ${name}`);
    try {
      await collect(name);
    } catch (error) {
      // A control that cannot be made is an error of its own rows; without the DPO policy there is nothing to judge.
      if (name === 'dpo' || !(error instanceof ComputationError)) throw error;
      failures.set(name, error);
    }
  }
  return {
    experiment,
    seed,
    data,
    layers: base.hidden.layers,
    base,
    variant: policyOf,
    training: (name) => trainings.get(name),
    displacement,
    vectors,
    dispose: () => {
      for (const { model } of policies.values()) model.dispose();
    },
  };
};
