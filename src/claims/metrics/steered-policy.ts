/** A policy under steering, where and how the experiment says. */
import { ComputationError } from '../../base/index.js';
import type { LanguageModel } from '../../model/index.js';
import {
  type Intervention,
  type InterventionKind,
  interventionsAt,
  preferenceLogps,
  preferenceMargins,
  steeredMargins,
} from '../../steering/index.js';
import type { PolicyEvidence } from '../evidence/policy-evidence.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { VectorsAt } from './subject-vectors.js';

/** λ as an intervention takes it: ablation by |λ|, which only λ ≤ 0 can ask for. */
const strengthOf = (kind: InterventionKind, lambda: number): number => {
  if (kind === 'ablate' && lambda > 0) {
    throw new ComputationError('ablation takes a direction out of hidden states; it cannot add one');
  }
  return kind === 'ablate' ? Math.abs(lambda) : lambda;
};

/**
 * What h + λv is at every held-out prompt, where and how the experiment says: the same list of interventions for all prompts
 * that the same vectors judge, so that they are run together.
 *
 * @throws ComputationError where ablation is asked to add
 */
export const interventionsByPrompt = (
  { experiment, data }: SeedEvidence,
  model: LanguageModel,
  vectorsAt: VectorsAt,
  lambda: number,
): ((index: number) => readonly Intervention[]) => {
  const { layers, kind } = experiment.steering;
  const strength = strengthOf(kind, lambda);
  const byFold = new Map<number, readonly Intervention[]>();
  return (index) => {
    const fold = data.folds[index] ?? 0;
    const made =
      byFold.get(fold) ??
      interventionsAt(model, layers, {
        vectorAt: (site) => vectorsAt(site).steering(index),
        kind,
        lambda: strength,
      });
    byFold.set(fold, made);
    return made;
  };
};

/**
 * log p(chosen) − log p(rejected) of every held-out prompt under h + λv, at all positions that predict a completion token.
 * At the final hidden state that needs no further pass through the model. Ablation takes the direction of v out by |λ|, and
 * so can only be asked for with λ < 0.
 *
 * @throws ComputationError where ablation is asked to add
 */
export const steerPolicy = async (
  evidence: SeedEvidence,
  { completions, model }: PolicyEvidence,
  vectorsAt: VectorsAt,
  lambda: number,
): Promise<Float64Array> => {
  const { layers, kind } = evidence.experiment.steering;
  if (layers === 'final') {
    return steeredMargins(completions, model.unembedding(), {
      vectorFor: vectorsAt('postNorm').steering,
      lambda: strengthOf(kind, lambda),
      kind,
    });
  }
  const logps = await preferenceLogps(model, evidence.data.heldOut, {
    interventionsFor: interventionsByPrompt(evidence, model, vectorsAt, lambda),
  });
  return preferenceMargins(logps);
};
