import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitBySource, splitListsBySource } from '../../src/data/index.js';
import { sourceGroups } from '../../src/data/source-groups.js';

const tuple = (source: string, index: number) => ({
  id: `${source}-${index}`,
  prompt: 'It was',
  chosen: ' good',
  rejected: ' bad',
  source,
});
const list = fc
  .array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 })
  .map((sources) => sources.map((source, index) => tuple(`s${source}`, index)));
const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });
const sourcesOf = (tuples: readonly { source: string }[]) => new Set(tuples.map(({ source }) => source));

describe('sourceGroups', () => {
  it('should part all sources by the lists that they occur in', () => {
    fc.assert(
      fc.property(fc.array(list, { maxLength: 4 }), (lists) => {
        const groups = sourceGroups(lists);
        const all = groups.flatMap(({ sources }) => sources);
        expect(new Set(all)).toEqual(sourcesOf(lists.flat()));
        expect(new Set(all).size).toBe(all.length);
        expect(new Set(groups.map((group) => group.lists.join())).size).toBe(groups.length);
        for (const group of groups) {
          for (const source of group.sources) {
            const of = lists.flatMap((each, i) => (sourcesOf(each).has(source) ? [i] : []));
            expect(group.lists).toEqual(of);
          }
        }
      }),
    );
  });
});

describe('splitting by source', () => {
  it('should lose nothing, keep the order and put no source on both sides, over all lists', () => {
    fc.assert(
      fc.property(fc.array(list, { maxLength: 4 }), share, (lists, heldOutShare) => {
        const splits = splitListsBySource(lists, heldOutShare);
        const train = sourcesOf(splits.flatMap((split) => split.train));
        const heldOut = sourcesOf(splits.flatMap((split) => split.heldOut));
        expect([...train].filter((source) => heldOut.has(source))).toEqual([]);
        for (const [i, split] of splits.entries()) {
          expect(lists[i]?.filter(({ source }) => train.has(source))).toEqual(split.train);
          expect(lists[i]?.filter(({ source }) => heldOut.has(source))).toEqual(split.heldOut);
        }
      }),
    );
  });

  it('should hold out the share of sources, the same whenever, alone or beside an unrelated list', () => {
    fc.assert(
      fc.property(list, share, (tuples, heldOutShare) => {
        const alone = splitBySource(tuples, heldOutShare);
        expect(sourcesOf(alone.heldOut).size).toBe(Math.round(sourcesOf(tuples).size * heldOutShare));
        expect(splitBySource(tuples, heldOutShare)).toEqual(alone);
        const unrelated = Array.from({ length: 9 }, (_, i) => tuple(`other${i}`, i));
        expect(splitListsBySource([unrelated, tuples], heldOutShare)[1]).toEqual(alone);
      }),
    );
  });

  it('should leave sources on the side where they are settled', () => {
    fc.assert(
      fc.property(list, share, (tuples, heldOutShare) => {
        const settled = new Map([
          ['s1', 'train'],
          ['s2', 'heldOut'],
        ] as const);
        const [split] = splitListsBySource([tuples], heldOutShare, settled);
        expect(sourcesOf(split?.heldOut ?? []).has('s1')).toBe(false);
        expect(sourcesOf(split?.train ?? []).has('s2')).toBe(false);
      }),
    );
  });
});
