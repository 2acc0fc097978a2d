import { sha256Hex } from '../store/index.js';
import type { PreferenceTuple } from './preference-tuple.js';
import type { PreferenceSplit } from './shipped-preferences.js';
import { normalisedText } from './source-of-prompt.js';

/** SHA-256 of a prompt's words: white space and Unicode composition make no difference. */
export const promptHash = ({ prompt }: Pick<PreferenceTuple, 'prompt'>): string =>
  sha256Hex(normalisedText(prompt));

export interface DeduplicatedSplit extends PreferenceSplit {
  /** Training tuples removed. */
  readonly removed: PreferenceTuple[];
}

/**
 * Removes training tuples whose prompt, by its hash, is held out too, so that no held-out prompt was trained on under
 * another source's name. The held-out side stays as it is; whoever calls this reports how many were removed.
 */
export const removeTrainingDuplicates = ({ train, heldOut }: PreferenceSplit): DeduplicatedSplit => {
  const held = new Set(heldOut.map(promptHash));
  const isHeldOut = train.map((tuple) => held.has(promptHash(tuple)));
  return {
    train: train.filter((_, index) => !isHeldOut[index]),
    heldOut,
    removed: train.filter((_, index) => isHeldOut[index]),
  };
};
