import { apportion } from './apportion.js';
import type { SourceGroup } from './source-groups.js';

/** taken[g][k]: how many sources of group g part k takes. */
type Taken = number[][];

interface Step {
  readonly part: number;
  /** The step before, and the group of sources it would take from this part. */
  readonly from?: { readonly step: Step; readonly group: number };
}

/**
 * One more source for a part, if need be from another part that takes one elsewhere instead: the shortest augmenting
 * path of the bipartite flow from groups to parts. Changes `taken`; false where there is none.
 */
const takeOne = (part: number, groups: readonly SourceGroup[], taken: Taken): boolean => {
  const queue: Step[] = [{ part }];
  const seen = new Set([part]);
  const move = (group: number, to: number, by: number): void => {
    const row = taken[group] ?? [];
    row[to] = (row[to] ?? 0) + by;
  };
  for (const step of queue) {
    for (const [group, { lists, sources }] of groups.entries()) {
      if (!lists.includes(step.part)) continue;
      const row = taken[group] ?? [];
      if (row.reduce((sum, each) => sum + each, 0) < sources.length) {
        move(group, step.part, 1);
        for (let at: Step = step; at.from !== undefined; at = at.from.step) {
          move(at.from.group, at.part, -1);
          move(at.from.group, at.from.step.part, 1);
        }
        return true;
      }
      for (const other of lists) {
        if (seen.has(other) || (row[other] ?? 0) === 0) continue;
        seen.add(other);
        queue.push({ part: other, from: { step, group } });
      }
    }
  }
  return false;
};

const allot = (counts: readonly number[], groups: readonly SourceGroup[]): Taken | undefined => {
  const taken: Taken = groups.map(() => counts.map(() => 0));
  for (const [part, count] of counts.entries()) {
    for (let i = 0; i < count; i++) if (!takeOne(part, groups, taken)) return undefined;
  }
  return taken;
};

/**
 * How many sources of each group each part takes, so that parts have sources in the exact proportion of their weights
 * (largest remainders), no source is in two, and as many sources as possible are used. A part can take sources only of
 * groups that occur in its own list; a list too long for its weight keeps a rest that is not used.
 *
 * @returns [groups][parts]
 */
export const allotSources = (
  groups: readonly SourceGroup[],
  weights: readonly number[],
): readonly (readonly number[])[] => {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const all = groups.reduce((count, { sources }) => count + sources.length, 0);
  const bounds = weights.map((weight, part) => {
    const own = groups.filter(({ lists }) => lists.includes(part));
    const available = own.reduce((count, { sources }) => count + sources.length, 0);
    return Math.floor(((available + 1) * sum) / weight);
  });
  for (let total = Math.min(all, ...bounds); total > 0; total--) {
    const taken = allot(apportion(total, weights), groups);
    if (taken !== undefined) return taken;
  }
  return groups.map(() => weights.map(() => 0));
};
