/** The two noise controls, matched to a policy in mean ‖Δh‖ at the final hidden state of some prompts. */
import { extractHiddenStates, type ReadItem } from '../../activations/index.js';
import { displacements, meanRowNorm } from '../../geometry/index.js';
import type { LanguageModel } from '../../model/index.js';
import { createMassiveNoise } from './massive-noise.js';
import { createPlacebo } from './placebo-noise.js';

/** Prompts on which the size is matched, at most. */
const probePrompts = 128;

export interface NoisePolicyOptions {
  readonly base: LanguageModel;
  readonly policy: LanguageModel;
  /** Prompts, and where they are read. */
  readonly items: readonly ReadItem[];
  /** Final hidden states [n, d] of both at the items, or at more that begin with them. */
  readonly baseStates: Float32Array;
  readonly policyStates: Float32Array;
  readonly seed: number;
}

/** A perturbed copy of `base`; the caller disposes it. */
export const createNoisePolicy = async (
  name: 'placebo-noise' | 'massive-noise',
  { base, policy, items, baseStates, policyStates, seed }: NoisePolicyOptions,
): Promise<LanguageModel> => {
  const probes = items.slice(0, probePrompts);
  const width = base.hiddenSize;
  const probed = (states: Float32Array) => states.subarray(0, probes.length * width);
  const normOf = (states: Float32Array): number =>
    meanRowNorm(displacements(probed(baseStates), states, probes.length, width));
  const options = {
    base,
    policy,
    targetNorm: normOf(probed(policyStates)),
    measureNorm: async (candidate: LanguageModel) =>
      normOf((await extractHiddenStates(candidate, probes)).postNorm),
    seed,
  };
  if (name === 'placebo-noise') return (await createPlacebo(options)).model;
  return (await createMassiveNoise({ ...options, baseStates: probed(baseStates) })).model;
};
