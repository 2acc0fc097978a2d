import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relabel } from '../../src/data/index.js';

const tuples = fc.array(fc.record({ id: fc.string(), chosen: fc.string(), rejected: fc.string() }));

describe('relabel', () => {
  it('should leave the given labels alone', () => {
    fc.assert(
      fc.property(tuples, fc.integer(), (all, seed) => {
        expect(relabel(all, 'given', seed)).toEqual(all);
      }),
    );
  });

  it('should exchange every label when flipped, and give all back when flipped twice', () => {
    fc.assert(
      fc.property(tuples, (all) => {
        const flipped = relabel(all, 'flipped', 0);
        expect(flipped.map(({ chosen }) => chosen)).toEqual(all.map(({ rejected }) => rejected));
        expect(relabel(flipped, 'flipped', 0)).toEqual(all);
      }),
    );
  });

  it('should keep order, identity and pair of each tuple when shuffled, the same for the same seed', () => {
    fc.assert(
      fc.property(tuples, fc.integer(), (all, seed) => {
        const shuffled = relabel(all, 'shuffled', seed);
        expect(relabel(all, 'shuffled', seed)).toEqual(shuffled);
        expect(shuffled.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
        for (const [i, { chosen, rejected }] of shuffled.entries()) {
          expect([chosen, rejected].sort()).toEqual([all[i]?.chosen, all[i]?.rejected].sort());
        }
      }),
    );
  });

  it('should exchange half of the labels when shuffled, other ones for another seed', () => {
    const all = Array.from({ length: 4000 }, () => ({ chosen: 'a', rejected: 'b' }));
    const exchanged = (seed: number): boolean[] =>
      relabel(all, 'shuffled', seed).map(({ chosen }) => chosen === 'b');
    const [one, two] = [exchanged(1), exchanged(2)];
    // Four standard deviations of 4,000 fair tosses.
    expect(Math.abs(one.filter(Boolean).length - 2000)).toBeLessThan(4 * Math.sqrt(1000));
    expect(Math.abs(one.filter((each, i) => each === two[i]).length - 2000)).toBeLessThan(
      4 * Math.sqrt(1000),
    );
  });
});
