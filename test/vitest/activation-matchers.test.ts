import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import '../../src/vitest/index.js';

const random = createRandom('activations');
const gaussian = (n: number, d: number, sd: number): number[][] =>
  Array.from({ length: n }, () => Array.from({ length: d }, () => sd * random.normal()));
const [n, d] = [40, 24];
const axis = Array.from({ length: d }, (_, j) => (j === 0 ? 1 : 0));
const steered = gaussian(n, d, 0.1).map((row) => row.map((value, j) => value + (axis[j] ?? 0)));
const noise = gaussian(n, d, 1);

const faultOf = (assert: () => void): string => {
  try {
    assert();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('activation matchers', () => {
  it('should hold of what was planted', () => {
    expect(steered).toSteerAlong(axis, { atLeast: 0.8 });
    expect(steered).toSteerTogether({ atLeast: 0.8 });
    expect(steered).toBeRankOne();
  });

  it('should take hidden states of base and policy for displacements', () => {
    const base = gaussian(n, d, 3);
    const policy = base.map((row, i) => row.map((value, j) => value + (steered[i]?.[j] ?? 0)));
    expect({ base, policy }).toSteerAlong(axis, { atLeast: 0.8 });
    expect({ base: policy, policy: base }).toSteerAlong(
      axis.map((value) => -value),
      { atLeast: 0.8 },
    );
  });

  it('should not hold of noise, nor of the opposite', () => {
    expect(faultOf(() => expect(noise).toSteerAlong(axis))).toMatch(/above chance, 0\.\d+, with all of its/);
    expect(faultOf(() => expect(noise).toSteerTogether())).toMatch(/above chance/);
    expect(noise).not.toBeRankOne();
    const opposite = axis.map((value) => -value);
    expect(steered).not.toSteerAlong(opposite);
    expect(faultOf(() => expect(steered).toSteerAlong(opposite))).toMatch(/-0\.9/);
  });

  it('should not take a direction that is right by chance: what all rows share must beat random directions', () => {
    // All rows are alike, so a random direction has one cosine to all of them, with an interval of no width.
    const [row = []] = gaussian(1, 4, 1);
    const alike = Array.from({ length: 20 }, () => [...row]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), (seed) => {
        const other = createRandom(seed);
        const direction = row.map(() => other.normal());
        const cosine =
          row.reduce((sum, value, j) => sum + value * (direction[j] ?? 0), 0) /
          (Math.hypot(...row) * Math.hypot(...direction));
        // In four dimensions chance reaches well beyond a half.
        const holds = faultOf(() => expect(alike).toSteerAlong(direction)) === '';
        expect(holds && cosine < 0.7).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it('should fail both ways where the rows do not decide', () => {
    const few = gaussian(6, 3, 1);
    const bound = { atLeast: 0.05 };
    const undecided = few.map((row) => [...row]);
    const [yes, no] = [
      faultOf(() => expect(undecided).toBeRankOne({ atMost: 0.6 })),
      faultOf(() => expect(undecided).not.toBeRankOne({ atMost: 0.6 })),
    ];
    expect(yes).not.toBe('');
    expect(no).toContain('not to be at most');
    expect(bound.atLeast).toBeLessThan(0.1);
  });

  it('should widen its interval where rows come from few sources', () => {
    const rows = Array.from({ length: 40 }, (_, i) => [i % 20 < 10 ? 1 : 0.2, i % 20 < 10 ? 0.2 : 1]);
    const direction = [1, 1];
    const sources = rows.map((_, i) => (i % 20 < 10 ? 'a' : 'b'));
    expect(rows).toSteerAlong(direction, { atLeast: 0.5, draws: 500 });
    expect(faultOf(() => expect(rows).toSteerAlong(direction, { sources: ['a'] }))).toMatch(
      /40 rows need as many sources/,
    );
    expect(rows).toSteerAlong(direction, { sources, atLeast: 0.5, draws: 500 });
  });

  it('should count a row that did not move against the direction', () => {
    const half = steered.map((row, i) => (i % 2 === 0 ? row : row.map(() => 0)));
    expect(half).not.toSteerAlong(axis, { atLeast: 0.8 });
  });

  it.each([
    ['no rows', [], /rows of numbers/],
    ['a number', 3, /rows of numbers/],
    ['rows of unequal widths', [[1, 2], [1]], /row 1 has 1/],
    [
      'a number that is none',
      [
        [1, Number.NaN],
        [1, 2],
      ],
      /NaN|finite/,
    ],
    ['pairs of unequal lengths', { base: [[1]], policy: [[1], [2]] }, /rows of numbers/],
    ['one row', [[1, 2]], /two source documents/],
  ])('should refuse %s', (_, received, message) => {
    expect(faultOf(() => expect(received).toSteerAlong([1, 2]))).toMatch(message);
  });

  it('should refuse a direction of another width', () => {
    expect(faultOf(() => expect(steered).toSteerAlong([1, 2]))).toMatch(
      /cannot be compared with a vector of 2/,
    );
  });
});
