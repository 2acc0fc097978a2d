/**
 * Prompts of another population than the one that is judged: a control's v* is estimated there. They come from training
 * sentences of another shipped regime, which no held-out prompt shares.
 */
import {
  extractHiddenStates,
  type HiddenStates,
  type ReadItem,
  readoutPositions,
} from '../../activations/index.js';
import { encodePreference, loadShippedPreferences, type Tokenizer } from '../../data/index.js';
import type { LanguageModel } from '../../model/index.js';
import type { ExperimentSpec } from '../spec/schema.js';

/** Enough that the mean is known far better than a held-out half knows its own. */
const foreignPrompts = 384;

export interface ForeignPrompts {
  readonly items: readonly ReadItem[];
  /** As the base has them. */
  readonly base: HiddenStates;
}

/** Real text cut before an opinion word is foreign to frames, and the other way round. */
const foreignRegime = ({ data }: ExperimentSpec): 'cloze' | 'many-frames' =>
  data.preferences === 'cloze' ? 'many-frames' : 'cloze';

export const readForeignPrompts = async (
  experiment: ExperimentSpec,
  tokenizer: Tokenizer,
  base: LanguageModel,
): Promise<ForeignPrompts> => {
  const { train } = await loadShippedPreferences(foreignRegime(experiment));
  const prompts = train
    .slice(0, foreignPrompts)
    .map((tuple) => encodePreference(tokenizer, tuple, { maxLength: experiment.data.maxTokens }));
  const items = readoutPositions(prompts, experiment.readout);
  return { items, base: await extractHiddenStates(base, items) };
};
