import { createRandom } from '../base/index.js';
import type { PreferenceTuple } from './preference-tuple.js';
import type { PreferenceSplit } from './shipped-preferences.js';
import { sourceGroups } from './source-groups.js';

/** Sources whose side is settled elsewhere. */
export type SettledSources = ReadonlyMap<string, keyof PreferenceSplit>;

/**
 * Splits several lists of tuples by source: a source is on the same side in all of them, and each list is held out to
 * the same share of its sources (by groups of sources that occur in the same lists). One list splits alike whether
 * alone or beside lists that it shares no source with.
 *
 * @param heldOutShare in (0, 1)
 */
export const splitListsBySource = (
  lists: readonly (readonly PreferenceTuple[])[],
  heldOutShare: number,
  settled: SettledSources = new Map(),
): PreferenceSplit[] => {
  const heldOut = new Set([...settled].flatMap(([source, side]) => (side === 'heldOut' ? [source] : [])));
  const open = lists.map((tuples) => tuples.filter(({ source }) => !settled.has(source)));
  for (const { sources } of sourceGroups(open)) {
    const shuffled = createRandom('split').shuffle([...sources].sort());
    for (const source of shuffled.slice(0, Math.round(sources.length * heldOutShare))) heldOut.add(source);
  }
  return lists.map((tuples) => ({
    train: tuples.filter(({ source }) => !heldOut.has(source)),
    heldOut: tuples.filter(({ source }) => heldOut.has(source)),
  }));
};

/** Splits one list of tuples by source; the same tuples always split the same way. */
export const splitBySource = (tuples: readonly PreferenceTuple[], heldOutShare: number): PreferenceSplit =>
  splitListsBySource([tuples], heldOutShare)[0] ?? { train: [], heldOut: [] };
