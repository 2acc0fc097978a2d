/** Evidence of a real, tiny model on random tokens: milliseconds to make. */
import { createRandom, silentProgress } from '../../src/base/index.js';
import type { ExperimentData } from '../../src/claims/evidence/experiment-data.js';
import { collectPolicyEvidence } from '../../src/claims/evidence/policy-evidence.js';
import {
  collectSeedEvidence,
  type SeedEvidence,
  type Variant,
} from '../../src/claims/evidence/seed-evidence.js';
import type { EncodedPreference } from '../../src/data/index.js';
import type { LanguageModel } from '../../src/model/index.js';
import { referenceLogps } from '../../src/training/index.js';
import { randomTokens, tinyConfig } from '../activations/tiny-llama.js';
import { alternatingFolds, tinyExperiment } from './synthetic-evidence.js';

/** Pairs whose completions differ from the first token on; `length` of both, or one to three tokens each. */
export const randomPairs = (count: number, seed: string, length?: number): EncodedPreference[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const chosen = randomTokens(length ?? 1 + random.integer(3), `${seed} chosen ${i}`);
    const rejected = randomTokens(length ?? 1 + random.integer(3), `${seed} rejected ${i}`);
    if (chosen[0] === rejected[0]) rejected[0] = ((chosen[0] ?? 0) + 1) % tinyConfig.vocabularySize;
    return {
      id: `${seed} ${i}`,
      source: `${seed} source ${i}`,
      prompt: randomTokens(2 + random.integer(6), `${seed} prompt ${i}`),
      chosen,
      rejected,
      truncated: false,
    };
  });
};

export const tinyData = (
  heldOut: readonly EncodedPreference[],
  train = randomPairs(48, 'train', 1),
): ExperimentData => ({
  train,
  heldOut,
  clusters: heldOut.map(({ source }) => source),
  folds: alternatingFolds(heldOut.length),
});

/** Trains the variants for a few steps; the caller disposes the evidence, and the base. */
export const tinySeedEvidence = async (
  baseModel: LanguageModel,
  variants: readonly Variant[],
  { seed = 100, data = tinyData(randomPairs(96, 'held out')), experiment = tinyExperiment() } = {},
): Promise<SeedEvidence> =>
  collectSeedEvidence({
    experiment,
    seed,
    data,
    baseModel,
    base: await collectPolicyEvidence(baseModel, data.heldOut, experiment.readout, silentProgress),
    reference: await referenceLogps(baseModel, data.train),
    variants,
    progress: silentProgress,
  });
