import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ComputationError, UsageError } from '../../src/base/index.js';
import { type CeilingSearch, findCeiling } from '../../src/steering/index.js';

/** Text that is sound below `ceiling` and degenerate from there on; `evaluated` keeps what was asked. */
const stepAt =
  (ceiling: number, evaluated: number[] = []) =>
  async (lambda: number) => {
    evaluated.push(lambda);
    return lambda >= ceiling ? 1 : 0;
  };
const search = (more: Partial<CeilingSearch>): CeilingSearch => ({
  degenerateShareAt: stepAt(3),
  tolerance: 0.2,
  first: 1,
  limit: 64,
  resolution: 0.1,
  ...more,
});

describe('the search for a ceiling', () => {
  it('finds a step to within its resolution, wherever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0.05, max: 60, noNaN: true }), async (ceiling) => {
        const found = await findCeiling(search({ degenerateShareAt: stepAt(ceiling) }));
        expect(found.ceiling).toBeLessThan(ceiling);
        expect(found.degeneratesAt ?? Number.NaN).toBeGreaterThanOrEqual(ceiling);
        expect((found.degeneratesAt ?? Number.NaN) - found.ceiling).toBeLessThanOrEqual(0.1);
        expect(found.contradictions).toBe(0);
      }),
    );
  });

  it('is content with a share of λ where that is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0.5, max: 60, noNaN: true }), async (ceiling) => {
        const evaluated: number[] = [];
        const found = await findCeiling(
          search({ degenerateShareAt: stepAt(ceiling, evaluated), relativeResolution: 0.25 }),
        );
        const gap = (found.degeneratesAt ?? Number.NaN) - found.ceiling;
        expect(gap).toBeLessThanOrEqual(Math.max(0.1, 0.25 * found.ceiling));
        expect(evaluated.length).toBeLessThanOrEqual(11);
      }),
    );
  });

  it('measures from the share without steering, or against a threshold of its own', async () => {
    const rising = async (lambda: number): Promise<number> => Math.min(1, 0.3 + lambda / 10);
    // .3 + λ / 10 > .3 + .2 from λ = 2 on, and ≥ .6 from λ = 3 on.
    const above = await findCeiling(search({ degenerateShareAt: rising }));
    expect(above.threshold).toBeCloseTo(0.5, 12);
    expect(Math.abs(above.ceiling - 2)).toBeLessThanOrEqual(0.1);
    const absolute = await findCeiling(search({ degenerateShareAt: rising, threshold: 0.6 }));
    expect(absolute.threshold).toBe(0.6);
    expect(Math.abs(absolute.ceiling - 3)).toBeLessThanOrEqual(0.1);
    await expect(findCeiling(search({ degenerateShareAt: rising, threshold: 0.3 }))).rejects.toThrow(
      ComputationError,
    );
  });

  it('is not misled by one false alarm', async () => {
    const alarmed = async (lambda: number): Promise<number> => (lambda === 2 || lambda >= 20 ? 1 : 0);
    const found = await findCeiling(search({ degenerateShareAt: alarmed }));
    expect(found.ceiling).toBeGreaterThan(19.8);
    expect(found.ceiling).toBeLessThan(20);
    expect(found.contradictions).toBe(1);
  });

  it('says where the limit was reached without', async () => {
    const found = await findCeiling(search({ degenerateShareAt: stepAt(1000) }));
    expect(found).toMatchObject({ ceiling: 64, degeneratesAt: null });
  });

  it('refuses senseless searches and shares', async () => {
    for (const wrong of [
      { tolerance: -1 },
      { threshold: 0 },
      { first: 0 },
      { resolution: 0 },
      { relativeResolution: -1 },
      { limit: 0.5 },
    ]) {
      await expect(findCeiling(search(wrong))).rejects.toThrow(UsageError);
    }
    await expect(findCeiling(search({ degenerateShareAt: async () => Number.NaN }))).rejects.toThrow(
      ComputationError,
    );
  });
});
