import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import { benjaminiHochberg, holm, normalTail } from '../../src/statistics/index.js';

const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 });

describe('corrections for many hypotheses', () => {
  // The p values of example 1 of Benjamini and Hochberg (1995), adjusted by R's p.adjust.
  const study = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528,
    0.759, 1,
  ];

  it('should reject by Benjamini and Hochberg the four hypotheses that their paper rejects, by Holm three', () => {
    const rejected = (adjusted: number[]): number => adjusted.filter((p) => p <= 0.05).length;
    expect(rejected(benjaminiHochberg(study))).toBe(4);
    expect(rejected(holm(study))).toBe(3);
  });

  it("should agree with R's p.adjust", () => {
    const p = [0.01, 0.02, 0.03, 0.04, 0.05];
    holm(p).forEach((value, i) => {
      expect(value).toBeCloseTo([0.05, 0.08, 0.09, 0.09, 0.09][i] as number, 14);
    });
    for (const value of benjaminiHochberg(p)) expect(value).toBeCloseTo(0.05, 14);
    const unordered = [0.04, 0.001, 0.5, 0.02];
    holm(unordered).forEach((value, i) => {
      expect(value).toBeCloseTo([0.08, 0.004, 0.5, 0.06][i] as number, 14);
    });
    benjaminiHochberg(unordered).forEach((value, i) => {
      expect(value).toBeCloseTo([0.16 / 3, 0.004, 0.5, 0.04][i] as number, 14);
    });
  });

  it('should never lower a p value, keep their order, and be milder by Benjamini and Hochberg than by Holm', () => {
    fc.assert(
      fc.property(pValues, (values) => {
        const [strict, mild] = [holm(values), benjaminiHochberg(values)];
        values.forEach((p, i) => {
          expect(mild[i]).toBeGreaterThanOrEqual(p);
          expect(mild[i]).toBeLessThanOrEqual((strict[i] as number) + 1e-15);
          expect(strict[i]).toBeLessThanOrEqual(1);
          values.forEach((other, j) => {
            if (p < other) {
              expect(strict[i]).toBeLessThanOrEqual(strict[j] as number);
              expect(mild[i]).toBeLessThanOrEqual(mild[j] as number);
            }
          });
        });
      }),
    );
  });

  it('should hold the chance of any false rejection at the level, when all hypotheses are true', () => {
    const random = createRandom(1);
    let any = 0;
    const trials = 4000;
    for (let trial = 0; trial < trials; trial++) {
      if (holm(Array.from({ length: 7 }, () => random.next())).some((p) => p <= 0.05)) any++;
    }
    expect(any / trials).toBeGreaterThan(0.035);
    expect(any / trials).toBeLessThan(0.06);
  });

  it('should hold the expected share of false rejections at the level by Benjamini and Hochberg', () => {
    const [trials, level, truths, effects] = [800, 0.1, 12, 8];
    let falseShare = 0;
    let found = 0;
    for (let trial = 0; trial < trials; trial++) {
      const random = createRandom(`false discoveries ${trial}`);
      const pValues = Array.from({ length: truths + effects }, (_, i) =>
        normalTail(random.normal() + (i < truths ? 0 : 3)),
      );
      const rejected = benjaminiHochberg(pValues).map((p) => p <= level);
      const wrong = rejected.slice(0, truths).filter(Boolean).length;
      const all = rejected.filter(Boolean).length;
      falseShare += wrong / Math.max(1, all) / trials;
      found += (all - wrong) / effects / trials;
    }
    // Independent hypotheses: the share is level times the proportion of true ones.
    expect(falseShare).toBeLessThan(level);
    expect(falseShare).toBeCloseTo((level * truths) / (truths + effects), 2);
    expect(found).toBeGreaterThan(0.6);
  });

  it('should refuse what is no p value, and accept none', () => {
    expect(() => holm([0.1, Number.NaN])).toThrow(UsageError);
    expect(() => benjaminiHochberg([1.1])).toThrow(/p value 0 is 1.1/);
    expect([holm([]), benjaminiHochberg([])]).toEqual([[], []]);
  });
});
