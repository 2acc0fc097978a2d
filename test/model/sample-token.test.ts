import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ComputationError, createRandom, UsageError } from '../../src/base/index.js';
import { checkSamplingRule, sampleToken, samplingDistribution } from '../../src/model/index.js';

const logitsOf = fc
  .array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 12 })
  .map((values) => Float32Array.from(values));
const temperatureOf = fc.double({ min: 0.2, max: 4, noNaN: true });

/** exp(z/T)/Σ, term by term. */
const softmax = (logits: ArrayLike<number>, temperature: number): number[] => {
  const weights = Array.from(logits, (logit) => Math.exp(logit / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
};

describe('samplingDistribution', () => {
  it('should be the softmax at that temperature where nothing is cut', () => {
    fc.assert(
      fc.property(logitsOf, temperatureOf, (logits, temperature) => {
        const { tokens, probabilities } = samplingDistribution(logits, { temperature });
        const expected = softmax(logits, temperature);
        expect([...tokens].sort((a, b) => a - b)).toEqual([...logits.keys()]);
        tokens.forEach((id, i) => {
          expect(probabilities[i]).toBeCloseTo(expected[id] ?? Number.NaN, 10);
        });
      }),
    );
  });

  it('should keep the k likeliest, and of those the fewest that reach topP, renormalised', () => {
    fc.assert(
      fc.property(
        logitsOf,
        temperatureOf,
        fc.integer({ min: 1, max: 14 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (logits, temperature, topK, topP) => {
          const { tokens, probabilities } = samplingDistribution(logits, { temperature, topK, topP });
          const cut = samplingDistribution(logits, { temperature, topK });
          expect(cut.tokens.length).toBe(Math.min(topK, logits.length));
          const least = Math.min(...Array.from(cut.tokens, (id) => logits[id] ?? 0));
          const better = logits.filter((logit, id) => logit > least && !cut.tokens.includes(id));
          expect(better.length).toBe(0);
          expect([...tokens]).toEqual([...cut.tokens.subarray(0, tokens.length)]);
          const massOf = (count: number): number =>
            cut.probabilities.subarray(0, count).reduce((sum, p) => sum + p, 0);
          expect(massOf(tokens.length)).toBeGreaterThanOrEqual(topP - 1e-9);
          if (tokens.length > 1) expect(massOf(tokens.length - 1)).toBeLessThan(topP + 1e-9);
          expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 10);
        },
      ),
    );
  });

  it('should never give a banned token, and refuse logits from which nothing can be drawn', () => {
    const banned = Float32Array.of(Number.NEGATIVE_INFINITY, 1, 2);
    expect([...samplingDistribution(banned, {}).tokens]).toEqual([2, 1]);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => samplingDistribution(Float32Array.of(0, bad), {})).toThrow(ComputationError);
    }
    expect(() => samplingDistribution(Float32Array.of(Number.NEGATIVE_INFINITY), {})).toThrow(/not finite/);
  });
});

describe('sampleToken', () => {
  it('should draw tokens as often as their probabilities say', () => {
    const logits = Float32Array.of(0, 1, 2, -1);
    const random = createRandom('frequencies');
    const n = 20_000;
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const id = sampleToken(logits, { temperature: 1.3 }, random.next());
      counts[id] = (counts[id] ?? 0) + 1;
    }
    softmax(logits, 1.3).forEach((p, id) => {
      // Five standard errors of a rate over n draws.
      expect(Math.abs((counts[id] ?? 0) / n - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n));
    });
  });

  it('should take the likeliest token for topK 1, and stay within the kept ones up to the last draw', () => {
    const logits = Float32Array.of(0.5, 3, 3, -2);
    expect(sampleToken(logits, { topK: 1 }, 0.99)).toBe(1);
    expect(sampleToken(logits, { topK: 2 }, 1 - 2 ** -32)).toBe(2);
    expect(sampleToken(logits, { topK: 2 }, 0)).toBe(1);
  });

  it('should refuse senseless rules', () => {
    for (const rule of [{ temperature: 0 }, { topK: 0 }, { topK: 1.5 }, { topP: 0 }, { topP: 1.1 }]) {
      expect(() => checkSamplingRule(rule)).toThrow(UsageError);
    }
    expect(() => checkSamplingRule({ temperature: 0.7, topK: 5, topP: 0.9 })).not.toThrow();
  });
});
