import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { normalQuantile, normalTail, scorePValue, wilsonInterval } from '../../src/statistics/index.js';

describe("Wilson's interval", () => {
  it.each([
    // Newcombe (1998), Statistics in Medicine 17, table I, method 3, to its four decimals.
    { successes: 81, trials: 263, interval: [0.2553, 0.3662] },
    { successes: 15, trials: 148, interval: [0.0624, 0.1605] },
    { successes: 0, trials: 20, interval: [0, 0.1611] },
    { successes: 1, trials: 29, interval: [0.0061, 0.1718] },
    { successes: 8, trials: 10, interval: [0.4902, 0.9433] },
  ])('should be the published one for $successes of $trials', ({ successes, trials, interval }) => {
    const [low, high] = wilsonInterval(successes, trials);
    expect(low).toBeCloseTo(interval[0] as number, 4);
    expect(high).toBeCloseTo(interval[1] as number, 4);
  });

  it('should hold the rate, stay within [0, 1], mirror, and narrow with trials', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (trials, share) => {
          const successes = Math.round(share * trials);
          const [low, high] = wilsonInterval(successes, trials);
          const rate = successes / trials;
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(rate);
          expect(high).toBeGreaterThanOrEqual(rate);
          const [mirroredLow, mirroredHigh] = wilsonInterval(trials - successes, trials);
          expect(mirroredLow).toBeCloseTo(1 - high, 12);
          expect(mirroredHigh).toBeCloseTo(1 - low, 12);
          const [finerLow, finerHigh] = wilsonInterval(4 * successes, 4 * trials);
          expect(finerHigh - finerLow).toBeLessThan(high - low);
        },
      ),
    );
  });

  it('should cover rates between 93 and 97 times in a hundred, on average over rates', () => {
    const trials = 60;
    let coverage = 0;
    const rates = Array.from({ length: 181 }, (_, i) => 0.05 + i * 0.005);
    for (const rate of rates) {
      let probability = (1 - rate) ** trials;
      for (let successes = 0; successes <= trials; successes++) {
        const [low, high] = wilsonInterval(successes, trials);
        if (low <= rate && rate <= high) coverage += probability / rates.length;
        probability *= ((trials - successes) / (successes + 1)) * (rate / (1 - rate));
      }
    }
    expect(coverage).toBeGreaterThan(0.94);
    expect(coverage).toBeLessThan(0.96);
  });

  it('should know nothing of no trial, and refuse impossible counts', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
    expect(() => wilsonInterval(3, 2)).toThrow(UsageError);
    expect(() => wilsonInterval(-1, 2)).toThrow(UsageError);
    expect(() => wilsonInterval(Number.NaN, 2)).toThrow(UsageError);
    expect(() => wilsonInterval(1, 2, 1)).toThrow(/confidence level/);
  });
});

describe('the normal quantile', () => {
  it.each([
    // Values of R's qnorm.
    { p: 0.975, z: 1.959963984540054 },
    { p: 0.995, z: 2.575829303548901 },
    { p: 0.6, z: 0.2533471031357997 },
    { p: 0.001, z: -3.090232306167813 },
    { p: 1e-10, z: -6.361340902404056 },
    { p: 1e-300, z: -37.0470962993612 },
  ])('should be $z at $p', ({ p, z }) => {
    expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(1e-12 * Math.abs(z));
  });

  it('should be odd about one half and refuse 0 and 1', () => {
    expect(normalQuantile(0.5)).toBe(0);
    expect(normalQuantile(0.2)).toBeCloseTo(-normalQuantile(0.8), 14);
    expect(() => normalQuantile(0)).toThrow(UsageError);
    expect(() => normalQuantile(1)).toThrow(UsageError);
  });
});

describe('the score test of a rate', () => {
  it("should reject exactly what Wilson's interval leaves out", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (trials, share, threshold) => {
          const successes = Math.round(share * trials);
          const [low, high] = wilsonInterval(successes, trials, 0.95);
          const above = scorePValue(successes, trials, { threshold, direction: 'above' });
          const below = scorePValue(successes, trials, { threshold, direction: 'below' });
          expect(above + below).toBeCloseTo(1, 10);
          fc.pre(Math.min(Math.abs(low - threshold), Math.abs(high - threshold)) > 1e-9);
          expect(above < 0.025).toBe(low > threshold);
          expect(below < 0.025).toBe(high < threshold);
        },
      ),
    );
  });

  it('should leave nothing to chance at 0 and 1, and refuse no trial', () => {
    expect(scorePValue(3, 3, { threshold: 1, direction: 'above' })).toBe(1);
    expect(scorePValue(1, 3, { threshold: 0, direction: 'above' })).toBe(0);
    expect(() => scorePValue(0, 0, { threshold: 0.5, direction: 'above' })).toThrow(UsageError);
  });
});

describe('the normal tail', () => {
  it('should be the inverse of the quantile, far into the tail', () => {
    fc.assert(
      fc.property(fc.double({ min: -280, max: -0.31, noNaN: true }), (exponent) => {
        const p = 10 ** exponent;
        expect(normalTail(-normalQuantile(p)) / p - 1).toBeLessThan(1e-11);
        expect(normalTail(-normalQuantile(p)) / p - 1).toBeGreaterThan(-1e-11);
      }),
    );
  });

  it('should mirror, and be a half at 0', () => {
    expect(normalTail(0)).toBe(0.5);
    fc.assert(
      fc.property(fc.double({ min: -8, max: 8, noNaN: true }), (z) => {
        expect(normalTail(z) + normalTail(-z)).toBeCloseTo(1, 14);
      }),
    );
  });
});
