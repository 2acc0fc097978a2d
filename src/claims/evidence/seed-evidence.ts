/** All evidence of one experiment under one training seed: a policy for each variant, and the vectors made of them. */
import { extractHiddenStates, readoutPositions } from '../../activations/index.js';
import { ComputationError, type Progress } from '../../base/index.js';
import { displacements, estimateVectors, steeringVector } from '../../geometry/index.js';
import { type Matrix, norm } from '../../linalg/index.js';
import { type LanguageModel, loadModel } from '../../model/index.js';
import { trainVector } from '../../steering/index.js';
import type { ArtefactStore } from '../../store/index.js';
import type { TrainingResult } from '../../training/index.js';
import type { AlternativeVector } from '../metrics/catalogue.js';
import type { ExperimentSpec } from '../spec/schema.js';
import { checkReadouts, checkTraining } from './check-evidence.js';
import { type CrossFittedVectors, crossFitted } from './cross-fitted-vectors.js';
import type { ExperimentData } from './experiment-data.js';
import { memoiseBySite } from './memoise-by-site.js';
import { createNoisePolicy } from './noise-policy.js';
import { collectPolicyEvidence, type PolicyEvidence } from './policy-evidence.js';
import type { Checkpoints, PreparedEvidence } from './prepare-evidence.js';
import { type TrainedVariant, trainVariant } from './train-variant.js';
import type { Site, Variant } from './variant.js';

export interface SeedEvidence {
  readonly experiment: ExperimentSpec;
  readonly seed: number;
  readonly data: ExperimentData;
  readonly layers: number;
  readonly base: PolicyEvidence;
  /** @throws ComputationError where this variant could not be made */
  variant(name: Variant): PolicyEvidence;
  /** What a variant started from: the base, or the SFT policy for DPO after SFT. */
  startOf(name: Variant): PolicyEvidence;
  /** Training record of a variant; none for noise. */
  training(name: Variant): TrainingResult | undefined;
  /** ΔH [n, d] of a variant at a site, from what it started from. */
  displacement(name: Variant, site: Site): Matrix;
  /** v* of each fold at a site, by the experiment's estimator: row i is judged by the vector of the fold that it is not in. */
  vectors(name: Variant, site: Site): CrossFittedVectors;
  /**
   * A vector from elsewhere in the place of v*.
   *
   * @throws ComputationError where there is none at this site
   */
  alternative(name: AlternativeVector, site: Site): CrossFittedVectors;
  dispose(): void;
}

export interface SeedEvidenceOptions {
  readonly seed: number;
  /** Control policies to make beside the DPO policy. */
  readonly variants: readonly Variant[];
  /** Vectors from elsewhere to make. */
  readonly alternatives?: readonly AlternativeVector[];
  /** Where trained policies are kept. */
  readonly store?: ArtefactStore | undefined;
  readonly progress: Progress;
}

const statesAt = ({ hidden }: Pick<PolicyEvidence, 'hidden'>, site: Site): Float32Array => {
  if (site === 'postNorm') return hidden.postNorm;
  const states = hidden.residual[site - 1];
  if (states === undefined) throw new RangeError(`layer ${site} of ${hidden.layers}`);
  return states;
};

/** In the order in which they can be made: noise is measured by the DPO policy, DPO after SFT goes on from SFT's. */
const inOrderOfMaking = (variants: readonly Variant[]): Variant[] => {
  const asked = new Set<Variant>(['dpo', ...variants]);
  if (asked.has('dpo-after-sft')) asked.add('sft');
  const rank = (name: Variant): number => (name === 'dpo' ? 0 : name === 'dpo-after-sft' ? 2 : 1);
  return [...asked].sort((a, b) => rank(a) - rank(b));
};

/** Trains or perturbs each variant in turn and reads it on the held-out prompts. The caller disposes the evidence. */
export const collectSeedEvidence = async (
  prepared: PreparedEvidence,
  { seed, variants, alternatives = [], store, progress }: SeedEvidenceOptions,
): Promise<SeedEvidence> => {
  const { experiment, data, model: baseModel, base, reference, checkpoints } = prepared;
  const { heldOut, folds, train, clusters } = data;
  const width = base.hidden.hiddenSize;
  const policies = new Map<Variant, PolicyEvidence>();
  const trainings = new Map<Variant, TrainingResult>();
  const failures = new Map<Variant | AlternativeVector, ComputationError>();

  const policyOf = (name: Variant): PolicyEvidence => {
    const failure = failures.get(name);
    if (failure !== undefined) throw failure;
    const policy = policies.get(name);
    if (policy === undefined) throw new RangeError(`the plan made no evidence for ${name}`);
    return policy;
  };
  const startOf = (name: Variant): PolicyEvidence => {
    if (name === 'sft') return checkpoints?.sftBase ?? base;
    return name === 'dpo-after-sft' ? policyOf('sft') : base;
  };
  const displacement = memoiseBySite((name, site) =>
    displacements(statesAt(startOf(name), site), statesAt(policyOf(name), site), heldOut.length, width),
  );
  const vectors = memoiseBySite((name, site) =>
    crossFitted(estimateVectors(displacement(name, site), folds, clusters, experiment.vector), folds),
  );

  const readPolicy = async (model: LanguageModel): Promise<PolicyEvidence> => {
    const policy = await collectPolicyEvidence(model, heldOut, experiment.readout, progress);
    await checkReadouts(policy, heldOut);
    return policy;
  };
  const makeNoise = (name: 'placebo-noise' | 'massive-noise'): Promise<LanguageModel> => {
    const dpo = policyOf('dpo');
    return createNoisePolicy(name, {
      base: baseModel,
      policy: dpo.model,
      items: readoutPositions(heldOut, experiment.readout),
      baseStates: base.hidden.postNorm,
      policyStates: dpo.hidden.postNorm,
      seed,
    });
  };
  const makeTrained = async (name: TrainedVariant): Promise<LanguageModel> => {
    const start = startOf(name).model;
    const model = start.clone();
    try {
      const options = { train, reference, config: experiment.training, seed, store, progress };
      const result = await trainVariant(name, model, options);
      const { embeddings } = experiment.training;
      await checkTraining({ start, trained: model, result, embeddings, isDpo: name !== 'sft' });
      trainings.set(name, result);
      return model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  };
  /** Of checkpoints: the policy named, and the base as what SFT made of another. */
  const openCheckpoint = async (name: TrainedVariant, { policyFolder, sftBase }: Checkpoints) => {
    if (name === 'dpo') return loadModel(policyFolder);
    if (name === 'sft' && sftBase !== undefined) return baseModel.clone();
    throw new ComputationError(`${name} has to be trained, and checkpoints are compared as they are`);
  };
  const collect = async (name: Variant): Promise<void> => {
    const make = (): Promise<LanguageModel> => {
      if (name === 'placebo-noise' || name === 'massive-noise') return makeNoise(name);
      return checkpoints ? openCheckpoint(name, checkpoints) : makeTrained(name);
    };
    const model = await make();
    try {
      policies.set(name, await readPolicy(model));
    } catch (error) {
      model.dispose();
      throw error;
    }
  };

  const made = new Map<string, CrossFittedVectors>();
  const both = (vector: Float64Array) => crossFitted([vector, vector], folds);
  const makeForeign = async (): Promise<void> => {
    const { items, base: before } = await prepared.foreign();
    const after = await extractHiddenStates(policyOf('dpo').model, items);
    for (const site of ['postNorm', ...before.residual.map((_, index) => index + 1)] as Site[]) {
      const delta = displacements(
        statesAt({ hidden: before }, site),
        statesAt({ hidden: after }, site),
        items.length,
        width,
      );
      made.set(`foreign-prompts/${site}`, both(steeringVector(delta)));
    }
  };
  const makeTrainedVector = async (): Promise<void> => {
    const { byFold } = vectors('dpo', 'postNorm');
    const vector = await trainVector(await prepared.trainingStates(), {
      unembedding: baseModel.unembedding(),
      referenceMargins: reference.chosen.map(
        (logp, index) => logp - (reference.rejected[index] ?? Number.NaN),
      ),
      beta: experiment.training.beta,
      norm: (norm(byFold[0]) + norm(byFold[1])) / 2,
      seed,
    });
    made.set('trained-vector/postNorm', both(vector));
  };
  const alternative = (name: AlternativeVector, site: Site): CrossFittedVectors => {
    const failure = failures.get(name);
    if (failure !== undefined) throw failure;
    const known = made.get(`${name}/${site}`);
    if (known !== undefined) return known;
    if (!alternatives.includes(name)) throw new RangeError(`the plan made no ${name}`);
    throw new ComputationError(`${name} is a vector of the final hidden state and has none at layer ${site}`);
  };

  const dispose = (): void => {
    for (const { model } of policies.values()) model.dispose();
  };
  /** A control that cannot be made is an error of its own rows; without the DPO policy there is nothing to judge. */
  const attempt = async (name: Variant | AlternativeVector, make: () => Promise<void>): Promise<void> => {
    progress.note(`${experiment.experiment}, seed ${seed}: ${name}`);
    try {
      await make();
    } catch (error) {
      if (name === 'dpo' || !(error instanceof ComputationError)) throw error;
      failures.set(name, error);
    }
  };
  try {
    for (const name of inOrderOfMaking(variants)) await attempt(name, () => collect(name));
    for (const name of alternatives) {
      await attempt(name, name === 'foreign-prompts' ? makeForeign : makeTrainedVector);
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    experiment,
    seed,
    data,
    layers: base.hidden.layers,
    base,
    variant: policyOf,
    startOf,
    training: (name) => trainings.get(name),
    displacement,
    vectors,
    alternative,
    dispose,
  };
};
