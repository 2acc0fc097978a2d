/** Evidence of a real, tiny model on random tokens: milliseconds to make. */
import { createRandom, silentProgress } from '../../src/base/index.js';
import type { ExperimentData } from '../../src/claims/evidence/experiment-data.js';
import { evidenceOf } from '../../src/claims/evidence/prepare-evidence.js';
import {
  collectSeedEvidence,
  type SeedEvidence,
  type SeedEvidenceOptions,
} from '../../src/claims/evidence/seed-evidence.js';
import type { Variant } from '../../src/claims/evidence/variant.js';
import type { ExperimentSpec } from '../../src/claims/index.js';
import type { EncodedPreference } from '../../src/data/index.js';
import type { LanguageModel } from '../../src/model/index.js';
import { randomTokens, tinyConfig } from '../activations/tiny-llama.js';
import { alternatingFolds, shippedTokenizer, tinyExperiment, wholeData } from './synthetic-evidence.js';

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

export const tinyData = async (
  heldOut: readonly EncodedPreference[],
  train = randomPairs(48, 'train', 1),
): Promise<ExperimentData> => ({
  train,
  tokenizer: await shippedTokenizer(),
  heldOut,
  clusters: heldOut.map(({ source }) => source),
  folds: alternatingFolds(heldOut.length),
  report: wholeData(train.length, heldOut.length),
});

interface TinyEvidenceOptions extends Partial<Omit<SeedEvidenceOptions, 'variants' | 'progress'>> {
  readonly data?: ExperimentData;
  readonly experiment?: ExperimentSpec;
}

/** Trains the variants for a few steps; the caller disposes the evidence, and the base. */
export const tinySeedEvidence = async (
  model: LanguageModel,
  variants: readonly Variant[],
  { seed = 100, data, experiment = tinyExperiment(), alternatives = [] }: TinyEvidenceOptions = {},
): Promise<SeedEvidence> => {
  const prepared = await evidenceOf(
    { experiment, data: data ?? (await tinyData(randomPairs(96, 'held out'))), model },
    silentProgress,
  );
  return collectSeedEvidence(prepared, { seed, variants, alternatives, progress: silentProgress });
};
