import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { matrix } from '../../src/linalg/index.js';
import {
  energyRecovery,
  energyTerms,
  flips,
  flipsInstalled,
  flipsUndone,
  marginInstalled,
  marginRecovery,
  meanMargin,
  preferenceAccuracy,
} from '../../src/steering/index.js';

/** On a grid, so that sums are exact and only the maths can differ. */
const margin = fc.integer({ min: -160, max: 160 }).map((sixteenths) => sixteenths / 16);
const triples = fc
  .array(
    fc.record({ base: margin, policy: margin, steered: margin, weight: fc.integer({ min: 0, max: 3 }) }),
    {
      minLength: 1,
      maxLength: 30,
    },
  )
  .map((prompts) => ({
    base: prompts.map(({ base }) => base),
    policy: prompts.map(({ policy }) => policy),
    steered: prompts.map(({ steered }) => steered),
    weights: Float64Array.from(prompts, ({ weight }) => weight),
    ones: new Float64Array(prompts.length).fill(1),
  }));

describe('measures of inversion', () => {
  it('should be whole when steering lands on the goal and nothing when it does not move', () => {
    fc.assert(
      fc.property(triples, ({ base, policy, ones }) => {
        const moved = base.some((value, i) => value !== policy[i]);
        fc.pre(moved);
        const landed = { base, policy, steered: base };
        const stayed = { base, policy, steered: policy };
        expect(marginRecovery(landed)(ones)).toBe(1);
        expect(marginRecovery(stayed)(ones)).toBeCloseTo(0, 12);
        expect(marginInstalled({ base, policy, steered: policy })(ones)).toBe(1);
        const differing = base.some((value, i) => value > 0 !== (policy[i] ?? 0) > 0);
        expect(flipsUndone(landed)(ones)).toBe(differing ? 1 : Number.NaN);
        expect(flipsUndone(stayed)(ones)).toBe(differing ? 0 : Number.NaN);
        expect(flipsInstalled(stayed)(ones)).toBe(differing ? 1 : Number.NaN);
      }),
    );
  });

  it('should take a weight as that many copies of a prompt, as the bootstrap does', () => {
    fc.assert(
      fc.property(triples, ({ base, policy, steered, weights }) => {
        const repeat = (values: readonly number[]): number[] =>
          values.flatMap((value, i) => new Array<number>(weights[i] ?? 0).fill(value));
        const copies = { base: repeat(base), policy: repeat(policy), steered: repeat(steered) };
        const ones = new Float64Array(copies.base.length).fill(1);
        for (const measure of [flipsUndone, flipsInstalled, marginRecovery, marginInstalled]) {
          const weighted = measure({ base, policy, steered })(weights);
          const copied = measure(copies)(ones);
          if (Number.isNaN(copied)) expect(weighted).toBeNaN();
          else expect(weighted).toBeCloseTo(copied, 9);
        }
        const mean = meanMargin(copies.base);
        if (Number.isNaN(mean)) expect(meanMargin(base, weights)).toBeNaN();
        else expect(meanMargin(base, weights)).toBeCloseTo(mean, 9);
      }),
    );
  });

  it('should be the aggregate, not a mean of ratios: a prompt that was hardly moved counts for little', () => {
    const base = [0, 0];
    const policy = [0.001, 10];
    const steered = [1, 0];
    const ones = Float64Array.of(1, 1);
    expect(marginRecovery({ base, policy, steered })(ones)).toBeCloseTo(1 - 1 / 10.001, 12);
  });

  it('should not be the ratio of mean margins: errors of opposite sign do not cancel', () => {
    const base = [0, 0];
    const policy = [2, 2];
    const steered = [2, -2];
    const ones = Float64Array.of(1, 1);
    expect(1 - meanMargin(steered) / meanMargin(policy)).toBe(1);
    expect(marginRecovery({ base, policy, steered })(ones)).toBe(0);
  });

  it('should count only prompts on which the two prefer differently, a tie preferring the rejected', () => {
    const { differs, reached } = flips({
      start: [1, 1, -1, 0, 1],
      steered: [-1, 1, 1, 0, 0],
      goal: [-2, -2, -2, 3, 0],
    });
    expect([...differs]).toEqual([1, 1, 0, 1, 1]);
    expect([...reached]).toEqual([1, 0, 0, 0, 1]);
    expect(preferenceAccuracy([1, 0, -1, 2])).toBe(0.5);
  });

  it('should refuse margins of different prompts', () => {
    expect(() => flipsUndone({ base: [1], policy: [1, 2], steered: [1] })).toThrow(UsageError);
    expect(() => marginRecovery({ base: [1], policy: [1], steered: [1, 2] })).toThrow(UsageError);
  });
});

describe('energyRecovery', () => {
  const d = 3;
  const deltas = fc
    .array(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: d, maxLength: d }), {
      minLength: 1,
      maxLength: 10,
    })
    .filter((rows) => rows.some((row) => Math.hypot(...row) > 1e-3));
  const toMatrix = (rows: readonly number[][]) => matrix(rows.length, d, Float64Array.from(rows.flat()));

  it('should be 1 with each row’s own displacement, 0 with zero, and (1 − (1 − λ)²) between', () => {
    fc.assert(
      fc.property(deltas, fc.double({ min: -1, max: 2, noNaN: true }), (rows, lambda) => {
        const own = (row: number) => Float64Array.from(rows[row] ?? []);
        const ones = new Float64Array(rows.length).fill(1);
        expect(energyRecovery(toMatrix(rows), own)(ones)).toBeCloseTo(1, 12);
        expect(energyRecovery(toMatrix(rows), () => new Float64Array(d))(ones)).toBe(0);
        expect(energyRecovery(toMatrix(rows), own, lambda)(ones)).toBeCloseTo(1 - (1 - lambda) ** 2, 9);
      }),
    );
  });

  it('should be the mean’s share of energy, n‖v̄‖²/‖ΔH‖², when the mean judges the rows it was made of', () => {
    fc.assert(
      fc.property(deltas, (rows) => {
        const mean = Float64Array.from(
          { length: d },
          (_, j) => rows.reduce((sum, row) => sum + (row[j] ?? 0), 0) / rows.length,
        );
        const { total } = energyTerms(toMatrix(rows), () => mean);
        const energy = total.reduce((sum, value) => sum + value, 0);
        const share = (rows.length * mean.reduce((sum, value) => sum + value ** 2, 0)) / energy;
        const ones = new Float64Array(rows.length).fill(1);
        expect(energyRecovery(toMatrix(rows), () => mean)(ones)).toBeCloseTo(share, 9);
      }),
    );
  });

  it('should refuse a vector of another size', () => {
    expect(() => energyRecovery(matrix(1, d), () => new Float64Array(2))).toThrow(UsageError);
  });
});
