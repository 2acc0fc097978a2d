/** Margins of a policy under steering, where and how the experiment says. */
import { ComputationError } from '../../base/index.js';
import { interventionsAt, preferenceLogps, preferenceMargins, steeredMargins } from '../../steering/index.js';
import type { PolicyEvidence } from '../evidence/policy-evidence.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { VectorsAt } from './subject-vectors.js';

/**
 * log p(chosen) − log p(rejected) of every held-out prompt under h + λv, at all positions that predict a completion token.
 * At the final hidden state that needs no further pass through the model. Ablation takes the direction of v out by |λ|, and
 * so can only be asked for with λ < 0.
 *
 * @throws ComputationError where ablation is asked to add
 */
export const steerPolicy = async (
  { experiment, data }: SeedEvidence,
  { completions, model }: PolicyEvidence,
  vectorsAt: VectorsAt,
  lambda: number,
): Promise<Float64Array> => {
  const { layers, kind } = experiment.steering;
  if (kind === 'ablate' && lambda > 0) {
    throw new ComputationError('ablation takes a direction out of hidden states; it cannot add one');
  }
  const strength = kind === 'ablate' ? -lambda : lambda;
  if (layers === 'final') {
    return steeredMargins(completions, model.unembedding(), {
      vectorFor: vectorsAt('postNorm').steering,
      lambda: strength,
      kind,
    });
  }
  const byFold = [0, 1].map((fold) =>
    interventionsAt(model, layers, {
      vectorAt: (site) => Float32Array.from(vectorsAt(site).byFold[fold === 0 ? 1 : 0]),
      kind,
      lambda: strength,
    }),
  );
  const logps = await preferenceLogps(model, data.heldOut, {
    interventionsFor: (index) => byFold[data.folds[index] ?? 0] ?? [],
  });
  return preferenceMargins(logps);
};
