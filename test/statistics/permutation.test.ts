import { describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import { permutationTest, rankPValue } from '../../src/statistics/index.js';

describe('rank p values', () => {
  it('should count the observed value among the null ones', () => {
    const nullValues = [1, 2, 3, 4];
    expect(rankPValue(5, nullValues)).toBe(1 / 5);
    expect(rankPValue(3, nullValues)).toBe(3 / 5);
    expect(rankPValue(5, nullValues, 'less')).toBe(1);
    expect(rankPValue(0, nullValues, 'less')).toBe(1 / 5);
    expect(rankPValue(5, nullValues, 'two-sided')).toBe(2 / 5);
    expect(rankPValue(2.5, nullValues, 'two-sided')).toBe(1);
  });

  it('should be at most α as often as α says, when the null is true', () => {
    const random = createRandom(2);
    const trials = 4000;
    let rejections = 0;
    for (let trial = 0; trial < trials; trial++) {
      const nullValues = Array.from({ length: 39 }, () => random.normal());
      if (rankPValue(random.normal(), nullValues) <= 0.05) rejections++;
    }
    // Exactly 2/40 by construction.
    expect(rejections / trials).toBeGreaterThan(0.04);
    expect(rejections / trials).toBeLessThan(0.06);
  });

  it('should refuse no null value, and NaN', () => {
    expect(() => rankPValue(1, [])).toThrow(UsageError);
    expect(() => rankPValue(Number.NaN, [1])).toThrow(UsageError);
    expect(() => rankPValue(1, [Number.NaN])).toThrow(UsageError);
  });
});

describe('permutation tests', () => {
  const differenceOfHalves =
    (values: readonly number[]) =>
    (order: readonly number[]): number => {
      const half = order.length / 2;
      return (
        order.reduce((sum, index, place) => sum + (place < half ? 1 : -1) * (values[index] as number), 0) /
        half
      );
    };

  it('should find a difference that is there, and repeat itself for a seed', () => {
    const random = createRandom(4);
    const values = Array.from({ length: 60 }, (_, i) => random.normal() + (i < 30 ? 1.5 : 0));
    const options = { size: 60, statistic: differenceOfHalves(values), permutations: 500, seed: 1 };
    expect(permutationTest(options).pValue).toBe(1 / 501);
    expect(permutationTest(options)).toEqual(permutationTest(options));
    expect(permutationTest({ ...options, alternative: 'less' }).pValue).toBe(1);
  });

  it('should hold its level when labels mean nothing', () => {
    const trials = 600;
    let rejections = 0;
    for (let trial = 0; trial < trials; trial++) {
      const random = createRandom(`null ${trial}`);
      const values = Array.from({ length: 20 }, () => random.normal());
      const { pValue } = permutationTest({
        size: 20,
        statistic: differenceOfHalves(values),
        permutations: 99,
        alternative: 'two-sided',
        seed: trial,
      });
      if (pValue <= 0.05) rejections++;
    }
    expect(rejections / trials).toBeGreaterThan(0.025);
    expect(rejections / trials).toBeLessThan(0.075);
  });
});
