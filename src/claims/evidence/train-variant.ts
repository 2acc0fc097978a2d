/** Trains the policy of one variant: DPO, or a control that trains on something else. */
import type { Progress } from '../../base/index.js';
import { type EncodedPreference, relabel } from '../../data/index.js';
import type { LanguageModel } from '../../model/index.js';
import type { ArtefactStore } from '../../store/index.js';
import {
  type DpoConfig,
  type ReferenceLogps,
  referenceLogps,
  type TrainingResult,
  trainDpo,
  trainSft,
} from '../../training/index.js';
import type { Variant } from './variant.js';

export type TrainedVariant = Exclude<Variant, 'placebo-noise' | 'massive-noise'>;

export interface TrainVariantOptions {
  readonly train: readonly EncodedPreference[];
  /** Log-probabilities of `train` under the base. */
  readonly reference: ReferenceLogps;
  readonly config: DpoConfig;
  readonly seed: number;
  /** Where trained policies are kept. */
  readonly store: ArtefactStore | undefined;
  readonly progress: Progress;
}

/** The reference's sides, exchanged where the labels were. */
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

const labelsOf = { 'shuffled-labels': 'shuffled', 'flipped-labels': 'flipped', dpo: 'given' } as const;

/**
 * Trains `model` in place: a copy of the base, for `dpo-after-sft` of the SFT policy, which is then the reference too.
 *
 * @throws ComputationError when training diverges
 */
export const trainVariant = async (
  name: TrainedVariant,
  model: LanguageModel,
  { train, reference, config, seed, store, progress }: TrainVariantOptions,
): Promise<TrainingResult> => {
  const options = { seed, store, progress };
  if (name === 'sft') {
    const examples = train.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
    return trainSft(model, examples, config, options);
  }
  if (name === 'dpo-after-sft') {
    return trainDpo(model, train, await referenceLogps(model, train), config, options);
  }
  const labelled = relabel(train, labelsOf[name], seed);
  return trainDpo(model, labelled, swapReference(reference, train, labelled), config, options);
};
