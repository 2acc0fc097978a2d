import { join } from 'node:path';
import { assetsFolder } from './assets-folder.js';
import type { PreferenceTuple } from './preference-tuple.js';
import { readPreferences } from './read-preferences.js';

/** The shipped regimes, from narrow to wide in how alike prompts are where hidden states are read. */
export const PREFERENCE_REGIMES = ['one-frame', 'many-frames', 'cloze'] as const;

export type PreferenceRegime = (typeof PREFERENCE_REGIMES)[number];

/** Whether a name is a shipped regime's. */
export const isRegime = (name: string): name is PreferenceRegime =>
  (PREFERENCE_REGIMES as readonly string[]).includes(name);

/** Tuples split by source sentence: no sentence is in both. */
export interface PreferenceSplit {
  readonly train: PreferenceTuple[];
  readonly heldOut: PreferenceTuple[];
}

/** The file of one half of a shipped regime: JSON lines, gzipped. */
export const shippedPreferencesFile = (regime: PreferenceRegime, half: 'train' | 'held-out'): string =>
  join(assetsFolder(), 'preferences', `${regime}.${half}.jsonl.gz`);

/** The shipped tuples of a regime: constructed from real sentences, not human preferences. */
export const loadShippedPreferences = async (regime: PreferenceRegime): Promise<PreferenceSplit> => ({
  train: await readPreferences(shippedPreferencesFile(regime, 'train')),
  heldOut: await readPreferences(shippedPreferencesFile(regime, 'held-out')),
});
