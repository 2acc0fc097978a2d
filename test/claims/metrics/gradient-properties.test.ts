import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  centralDifferences,
  measureGradientAgreement,
} from '../../../src/claims/metrics/gradient-agreement.js';
import { measurePreNormDirection, measurePreNormLaw } from '../../../src/claims/metrics/pre-norm-law.js';
import { propertyRuns } from '../../../src/claims/metrics/property.js';
import { startEngine, tf } from '../../../src/engine/index.js';
import { norm } from '../../../src/linalg/index.js';
import { fixturesFolder, fixturesPresent, needsFixtures, readJson } from '../../model/golden.js';
import { ones } from '../synthetic-evidence.js';

const fault = vi.hoisted(() => ({ lossScale: 1, lawScale: 1 }));

vi.mock('../../../src/training/index.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../../src/training/index.js')>();
  return {
    ...real,
    dpoLosses: (...given: Parameters<typeof real.dpoLosses>) =>
      tf.mul(real.dpoLosses(...given), fault.lossScale),
    hiddenStateGradient: (input: Parameters<typeof real.hiddenStateGradient>[0]) =>
      real.hiddenStateGradient(input).map((value) => value * fault.lawScale),
  };
});

beforeAll(() => startEngine('auto'));
afterEach(() => {
  Object.assign(fault, { lossScale: 1, lawScale: 1 });
});

const laws = [
  ['gradient-law-pre-norm', measurePreNormLaw, ['pre-norm-without-jacobian']],
  ['pre-norm-direction', measurePreNormDirection, ['massive-hidden']],
  ['gradient-agreement', measureGradientAgreement, ['other-tokens', 'wrong-reference']],
] as const;

describe.each(laws)('%s', (_, measure, variants) => {
  it('holds of every random case and leaves no tensor', async () => {
    const before = tf.memory().numTensors;
    const { counts, counterexample, statistic, n } = await measure('claim', 100);
    expect(tf.memory().numTensors).toBe(before);
    expect(counts).toEqual({ successes: propertyRuns, trials: propertyRuns });
    expect(counterexample).toBeUndefined();
    expect(statistic(ones(n))).toBe(1);
  });

  it.each(variants)('breaks by %s in most cases', async (variant) => {
    const { counts } = await measure(variant, 100);
    expect((counts?.successes ?? propertyRuns) / propertyRuns).toBeLessThan(0.4);
  });

  it('finds a loss of the wrong sign, with seed, path and the smallest case', async () => {
    fault.lossScale = -1;
    const { counts, counterexample } = await measure('claim', 100);
    expect(counts?.successes).toBeLessThan(propertyRuns / 10);
    expect(counterexample?.seed).toBe(100);
    expect(counterexample?.path).toMatch(/^\d+(:\d+)*$/);
    expect(counterexample?.value).toContain('hidden');
  });
});

it('a law that is 5 % too large is found', async () => {
  fault.lawScale = 1.05;
  const { counts } = await measureGradientAgreement('claim', 100);
  expect(counts?.successes).toBeLessThan(propertyRuns / 5);
});

interface GoldenCases {
  readonly E: number[][];
  readonly one_token: readonly {
    readonly h: number[];
    readonly w: number;
    readonly l: number;
    readonly beta: number;
    readonly ref_chosen_logp: number;
    readonly ref_rejected_logp: number;
    readonly grad_h: number[];
  }[];
}

it.skipIf(!fixturesPresent)(
  `central differences of the engine's loss agree with PyTorch's gradient${needsFixtures}`,
  async () => {
    const { E, one_token } = readJson<GoldenCases>(fixturesFolder, 'dpo', 'gradient_h.json');
    expect(one_token).toHaveLength(8);
    for (const { h, w, l, beta, ref_chosen_logp, ref_rejected_logp, grad_h } of one_token) {
      const differences = await centralDifferences({
        hidden: h,
        unembedding: E,
        gain: h.map(() => 1),
        chosen: w,
        rejected: l,
        beta,
        referenceMargin: ref_chosen_logp - ref_rejected_logp,
      });
      const error = norm(differences.map((value, i) => value - (grad_h[i] ?? 0)));
      expect(error).toBeLessThan(0.02 * norm(grad_h) + 2e-3 * beta);
    }
  },
);
