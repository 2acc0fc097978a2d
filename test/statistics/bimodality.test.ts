import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import { sarleCoefficient, standardDeviation, twoGroupShare } from '../../src/statistics/index.js';

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const random = createRandom('bimodality');
const n = 20_000;
const drawn = (make: () => number): number[] => sorted(Array.from({ length: n }, make));

/** Each cut tried in turn. */
const byBruteForce = (values: readonly number[]): number => {
  const mean = (part: readonly number[]): number => part.reduce((sum, value) => sum + value, 0) / part.length;
  const variance = standardDeviation(values) ** 2 * ((values.length - 1) / values.length);
  const shares = values.slice(1).map((_, i) => {
    const p = (i + 1) / values.length;
    return (p * (1 - p) * (mean(values.slice(i + 1)) - mean(values.slice(0, i + 1))) ** 2) / variance;
  });
  return Math.max(0, ...shares);
};

describe('twoGroupShare', () => {
  it('should be what trying every cut gives, and weights should count values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 3 })), {
          minLength: 3,
          maxLength: 30,
        }),
        (pairs) => {
          const ordered = [...pairs].sort(([a], [b]) => a - b);
          const repeated = ordered.flatMap(([value, count]) => new Array<number>(count).fill(value));
          fc.pre(new Set(repeated).size > 1);
          const share = twoGroupShare(
            ordered.map(([value]) => value),
            ordered.map(([, count]) => count),
          );
          expect(share).toBeCloseTo(byBruteForce(repeated), 9);
          expect(twoGroupShare(repeated)).toBeCloseTo(share, 9);
          expect(twoGroupShare(repeated.map((value) => 3 + 0.5 * value))).toBeCloseTo(share, 9);
        },
      ),
    );
  });

  it('should have the values of known distributions', () => {
    expect(twoGroupShare(drawn(() => random.normal()))).toBeCloseTo(2 / Math.PI, 1.6);
    expect(twoGroupShare(drawn(() => random.next()))).toBeCloseTo(0.75, 1.6);
    expect(twoGroupShare(drawn(() => -Math.log(1 - random.next())))).toBeCloseTo(0.648, 1.6);
    expect(twoGroupShare([0, 0, 1, 1])).toBe(1);
    expect(twoGroupShare([2, 2, 2])).toBeNaN();
    expect(() => twoGroupShare([1, 2], [1])).toThrow(UsageError);
  });
});

it('sarleCoefficient should have the values of known distributions', () => {
  expect(sarleCoefficient(drawn(() => random.normal()))).toBeCloseTo(1 / 3, 1.6);
  expect(sarleCoefficient(drawn(() => random.next()))).toBeCloseTo(5 / 9, 1.6);
  expect(sarleCoefficient([0, 0, 1, 1])).toBeCloseTo(1, 12);
  // Skewed, of one group, and yet above the uniform's 5/9 (an exponential's is (4 + 1)/9 as well).
  expect(sarleCoefficient(drawn(() => (-Math.log(1 - random.next())) ** 2))).toBeGreaterThan(0.5);
  expect(sarleCoefficient([1, 1])).toBeNaN();
});
