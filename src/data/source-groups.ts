import type { PreferenceTuple } from './preference-tuple.js';

/** Sources that occur in exactly the same lists of tuples. */
export interface SourceGroup {
  /** Positions of those lists, ascending. */
  readonly lists: readonly number[];
  /** In the order of their first tuples. */
  readonly sources: readonly string[];
}

/** Parts all sources of some lists of tuples by the lists that they occur in. */
export const sourceGroups = (
  lists: readonly (readonly Pick<PreferenceTuple, 'source'>[])[],
): SourceGroup[] => {
  const occurrences = new Map<string, number[]>();
  for (const [list, tuples] of lists.entries()) {
    for (const { source } of tuples) {
      const before = occurrences.get(source);
      if (before === undefined) occurrences.set(source, [list]);
      else if (before.at(-1) !== list) before.push(list);
    }
  }
  const groups = new Map<string, { lists: number[]; sources: string[] }>();
  for (const [source, of] of occurrences) {
    const group = groups.get(of.join());
    if (group === undefined) groups.set(of.join(), { lists: of, sources: [source] });
    else group.sources.push(source);
  }
  return [...groups.values()];
};
