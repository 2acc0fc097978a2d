import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { propertyRuns } from '../../../src/claims/metrics/property.js';
import {
  measureGradientLawProperty,
  measureLogitDifference,
} from '../../../src/claims/metrics/random-tensors.js';
import { startEngine, tf } from '../../../src/engine/index.js';
import { wilsonInterval } from '../../../src/statistics/index.js';
import { ones } from '../synthetic-evidence.js';

const fault = vi.hoisted(() => ({ lawScale: 1, logpShift: 0 }));

vi.mock('../../../src/training/index.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../../src/training/index.js')>();
  return {
    ...real,
    hiddenStateGradient: (input: Parameters<typeof real.hiddenStateGradient>[0]) =>
      real.hiddenStateGradient(input).map((value) => value * fault.lawScale),
  };
});
vi.mock('../../../src/engine/index.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../../src/engine/index.js')>();
  const { targetLogps } = real;
  return {
    ...real,
    // A fault of the chosen token alone, which does not cancel.
    targetLogps: (...given: Parameters<typeof targetLogps>) =>
      fault.logpShift === 0
        ? targetLogps(...given)
        : real.tf.add(targetLogps(...given), real.tf.tensor1d([fault.logpShift, 0])),
  };
});

beforeAll(() => startEngine('auto'));
afterEach(() => {
  Object.assign(fault, { lawScale: 1, logpShift: 0 });
});

const laws = [
  ['logit-difference-identity', measureLogitDifference, ['other-tokens', 'pre-norm']],
  ['gradient-law-property', measureGradientLawProperty, ['pre-norm', 'after-divergence']],
] as const;

describe.each(laws)('%s', (_, measure, variants) => {
  it('holds of every random case, which is enough for a lower bound above 0.99, and leaves no tensor', async () => {
    const before = tf.memory().numTensors;
    const { counts, counterexample, n, statistic, clusters } = await measure('claim', 100);
    expect(tf.memory().numTensors).toBe(before);
    expect(counts).toEqual({ successes: propertyRuns, trials: propertyRuns });
    expect(counterexample).toBeUndefined();
    expect(n).toBe(propertyRuns);
    expect(new Set(clusters).size).toBe(propertyRuns);
    expect(statistic(ones(n))).toBe(1);
    expect(wilsonInterval(propertyRuns, propertyRuns, 0.95)[0]).toBeGreaterThan(0.99);
  });

  it.each(variants)('breaks as %s in most cases', async (variant) => {
    const { counts, counterexample } = await measure(variant, 100);
    expect((counts?.successes ?? propertyRuns) / propertyRuns).toBeLessThan(0.2);
    expect(counterexample).toBeUndefined();
  });
});

/** What `fc.stringify` made of a case. */
const readCase = (
  value: string,
): { hidden: number[]; unembedding: number[][]; chosen: number; rejected: number } =>
  JSON.parse(value.replace(/-0\b(?!\.)/g, '0').replace(/([{,])"?(\w+)"?:/g, '$1"$2":'));

describe('a planted fault', () => {
  it('of the law’s sign is found, with seed, path and the smallest case', async () => {
    fault.lawScale = -1;
    const { counts, counterexample } = await measureGradientLawProperty('claim', 100);
    expect(counts?.successes).toBeLessThan(propertyRuns / 10);
    expect(counterexample?.seed).toBe(100);
    expect(counterexample?.path).toMatch(/^\d+(:\d+)*$/);
    const { hidden, unembedding, chosen, rejected } = readCase(counterexample?.value ?? '');
    expect(hidden).toHaveLength(2);
    expect(unembedding).toHaveLength(4);
    expect(chosen).not.toBe(rejected);
  });

  it('of the engine’s log-probabilities is found as well', async () => {
    fault.logpShift = 0.01;
    const { counts, counterexample } = await measureLogitDifference('claim', 100);
    expect(counts?.successes).toBeLessThan(propertyRuns / 2);
    expect(counterexample).toBeDefined();
  });
});
