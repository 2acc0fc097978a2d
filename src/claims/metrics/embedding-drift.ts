/** `embedding-drift`: how far training moved the token embedding, and W_U where it is a tensor of its own. */
import { ComputationError } from '../../base/index.js';
import type { LanguageModel } from '../../model/index.js';
import { type Measure, variantOf } from './context.js';

/** ‖A_policy − A_base‖_F / ‖A_base‖_F of a parameter. */
const relativeDrift = async (base: LanguageModel, policy: LanguageModel, name: string): Promise<number> => {
  const [before, after] = [base.variables.get(name), policy.variables.get(name)];
  if (before === undefined || after === undefined) throw new ComputationError(`no parameter ${name}`);
  const [a, b] = [await before.data<'float32'>(), await after.data<'float32'>()];
  let difference = 0;
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    difference += ((b[i] ?? Number.NaN) - (a[i] ?? Number.NaN)) ** 2;
    size += (a[i] ?? Number.NaN) ** 2;
  }
  return Math.sqrt(difference / size);
};

/**
 * The relative Frobenius drift of E, or of W_U where that is another tensor and went further: one number of the policy, the
 * same for every weighting of prompts.
 */
export const measureEmbeddingDrift: Measure = async ({ evidence }, subject) => {
  const variant = variantOf(subject);
  const base = evidence.startOf(variant).model;
  const policy = evidence.variant(variant).model;
  const embedding = await relativeDrift(base, policy, base.embeddingName);
  const unembedding = base.tied ? embedding : await relativeDrift(base, policy, base.unembeddingName);
  const drift = Math.max(embedding, unembedding);
  return {
    n: evidence.data.clusters.length,
    clusters: evidence.data.clusters,
    statistic: () => drift,
    details: { embedding, unembedding },
  };
};
