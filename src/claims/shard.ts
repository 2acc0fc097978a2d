/** Parts of a run, for several machines: what shares evidence stays together. */
import { UsageError } from '../base/index.js';
import { planJobs } from './plan.js';
import type { Shard } from './report.js';
import type { LoadedExperiment } from './spec/load.js';
import type { Selection } from './spec/select.js';

export interface ShardRequest {
  /** 1 … count. */
  readonly index: number;
  readonly count: number;
}

interface Group {
  readonly cases: number[];
  readonly tables: number[];
}

const keyOf = ([first]: readonly LoadedExperiment[]): string =>
  first === undefined ? 'properties' : `${first.file}\n${first.value.experiment}`;

/** Cases and tables by the experiment that they are first about, in order. */
const groupsOf = ({ cases, tables }: Selection): Group[] => {
  const groups = new Map<string, Group>();
  const groupOf = (key: string): Group => {
    const known = groups.get(key) ?? { cases: [], tables: [] };
    groups.set(key, known);
    return known;
  };
  cases.forEach(({ experiments }, index) => {
    groupOf(keyOf(experiments)).cases.push(index);
  });
  tables.forEach(({ experiments }, index) => {
    groupOf(keyOf(experiments)).tables.push(index);
  });
  return [...groups.values()];
};

const partOf = ({ cases, tables }: Selection, group: Group): Selection => ({
  cases: group.cases.flatMap((index) => cases[index] ?? []),
  tables: group.tables.flatMap((index) => tables[index] ?? []),
});

/**
 * The part `index` of `count`: groups go, the largest first, to the part with the fewest quantities to measure. Every part
 * of one selection and seed is disjoint, and together they are the whole; a part may be empty.
 *
 * @throws UsageError unless 1 ≤ index ≤ count
 */
export const shardOf = (
  selection: Selection,
  { index, count }: ShardRequest,
  seed: number | undefined,
): { readonly selection: Selection; readonly shard: Shard } => {
  if (!(Number.isInteger(index) && Number.isInteger(count) && index >= 1 && index <= count)) {
    throw new UsageError(`there is no part ${index} of ${count}`, {
      hint: 'write --shard 1/2, then --shard 2/2',
    });
  }
  const weigh = (group: Group): number =>
    planJobs(partOf(selection, group), seed).reduce(
      (sum, { tasks, variants }) => sum + tasks.length + 40 * (1 + variants.length),
      0,
    );
  const weighed = groupsOf(selection)
    .map((group, order) => ({ group, order, weight: weigh(group) }))
    .sort((a, b) => b.weight - a.weight || a.order - b.order);
  const parts = Array.from({ length: count }, () => ({
    load: 0,
    cases: [] as number[],
    tables: [] as number[],
  }));
  for (const { group, weight } of weighed) {
    const lightest = parts.reduce((best, part) => (part.load < best.load ? part : best));
    lightest.load += weight;
    lightest.cases.push(...group.cases);
    lightest.tables.push(...group.tables);
  }
  const ascending = (a: number, b: number): number => a - b;
  const own = parts[index - 1] ?? { cases: [], tables: [] };
  const chosen = { cases: own.cases.sort(ascending), tables: own.tables.sort(ascending) };
  return {
    selection: partOf(selection, chosen),
    shard: {
      index,
      count,
      claims: chosen.cases,
      tables: chosen.tables,
      whole: {
        claims: selection.cases.length,
        tables: selection.tables.length,
        seeds: seedsOfRun(selection, seed),
      },
    },
  };
};

/** Training seeds of a run; that of its random cases where it trains nothing. */
export const seedsOfRun = (selection: Selection, seed: number | undefined): number[] => [
  ...new Set(planJobs(selection, seed).flatMap((job) => (job.experiment ? [job.seed] : []))),
];
