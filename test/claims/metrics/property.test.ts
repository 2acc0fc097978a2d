import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measureProperty, propertyRuns } from '../../../src/claims/metrics/property.js';

const pairs = fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.array(fc.nat(9)));
const failing =
  (modulus: number) =>
  async ([value]: [number, number[]]) =>
    value % modulus !== 1;
const shrinking = { shrink: true } as const;

describe('measuring a property', () => {
  it('counts the cases that satisfy it', async () => {
    const all = await measureProperty(pairs, async () => true, { seed: 1, ...shrinking });
    expect(all.counts).toEqual({ successes: propertyRuns, trials: propertyRuns });
    expect(all.counterexample).toBeUndefined();
    const sampled = fc.sample(pairs, { seed: 1, numRuns: propertyRuns }).filter(([value]) => value % 3 !== 1);
    const some = await measureProperty(pairs, failing(3), { seed: 1, shrink: false });
    expect(some.counts?.successes).toBe(sampled.length);
    expect(some.counterexample).toBeUndefined();
  });

  it('gives a counterexample that seed and path replay, for any seed and however rare', async () => {
    for (const [seed, modulus] of [
      [1, 3],
      [2, 20],
      [3, 150],
      [-5, 7],
      [2_147_483_647, 11],
    ] as const) {
      const satisfies = failing(modulus);
      const { counterexample, counts } = await measureProperty(pairs, satisfies, { seed, ...shrinking });
      expect(counts?.successes).toBeLessThan(propertyRuns);
      expect(counterexample).toBeDefined();
      const replay = await fc.check(fc.asyncProperty(pairs, satisfies), {
        seed: counterexample?.seed ?? 0,
        path: counterexample?.path ?? '',
        endOnFailure: true,
      });
      expect(replay.failed).toBe(true);
      expect(fc.stringify(replay.counterexample?.[0])).toBe(counterexample?.value);
      expect(counterexample?.value).toMatch(/,\[\]\]$/);
    }
  });

  it('begins the path at the first case that failed', async () => {
    const satisfies = failing(20);
    const outcomes = await Promise.all(fc.sample(pairs, { seed: 9, numRuns: propertyRuns }).map(satisfies));
    const { counterexample } = await measureProperty(pairs, satisfies, { seed: 9, ...shrinking });
    expect(Number(counterexample?.path.split(':')[0])).toBe(outcomes.indexOf(false));
  });
});
