import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { type Catalogue, loadCatalogue, planJobs, type Selection, select } from '../../src/claims/index.js';
import { shardOf } from '../../src/claims/shard.js';

let catalogue: Catalogue;
const selections = new Map<string, Selection>();

beforeAll(async () => {
  catalogue = await loadCatalogue();
  for (const name of ['quick', 'full', 'scaling', 'sensitivity']) {
    selections.set(name, await select([name], catalogue));
  }
});

const anySuite = fc.constantFrom('quick', 'full', 'scaling', 'sensitivity');

describe('the parts of a run', () => {
  it('are disjoint, and together the whole, each in the order of the whole', () => {
    fc.assert(
      fc.property(anySuite, fc.integer({ min: 1, max: 6 }), (name, count) => {
        const whole = selections.get(name) as Selection;
        const parts = Array.from({ length: count }, (_, i) =>
          shardOf(whole, { index: i + 1, count }, undefined),
        );
        const cases = parts.flatMap(({ shard }) => shard.claims);
        const tables = parts.flatMap(({ shard }) => shard.tables);
        expect([...cases].sort((a, b) => a - b)).toEqual(whole.cases.map((_, i) => i));
        expect([...tables].sort((a, b) => a - b)).toEqual(whole.tables.map((_, i) => i));
        for (const { selection, shard } of parts) {
          expect(selection.cases).toEqual(shard.claims.map((i) => whole.cases[i]));
          expect([...shard.claims]).toEqual([...shard.claims].sort((a, b) => a - b));
          expect(shard.whole.claims).toBe(whole.cases.length);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('keep the claims of one experiment together, so that its evidence is made once', () => {
    const whole = selections.get('quick') as Selection;
    const jobs = [1, 2].map((index) =>
      planJobs(shardOf(whole, { index, count: 2 }, undefined).selection).map(({ id }) => id),
    );
    expect((jobs[0] ?? []).filter((id) => (jobs[1] ?? []).includes(id))).toEqual([]);
    for (const part of jobs) expect(part.length).toBeGreaterThan(0);
  });

  it('are refused where there is no such part', () => {
    const whole = selections.get('quick') as Selection;
    for (const [index, count] of [
      [0, 2],
      [3, 2],
      [1.5, 2],
    ] as const) {
      expect(() => shardOf(whole, { index, count }, undefined)).toThrow(UsageError);
    }
  });
});
