import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ComputationError } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { measureGradientLaw } from '../../../src/claims/metrics/gradient-law.js';
import { startEngine, tf } from '../../../src/engine/index.js';
import type { LanguageModel } from '../../../src/model/index.js';
import { createTinyLlama } from '../../activations/tiny-llama.js';
import { ones } from '../synthetic-evidence.js';
import { randomPairs, tinyData, tinySeedEvidence } from '../tiny-evidence.js';

/** Faults that a test plants in the loss, or in the closed form that stands on the other side. */
const fault = vi.hoisted(() => ({ lossSign: 1, lawScale: 1 }));

vi.mock('../../../src/training/index.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../../src/training/index.js')>();
  return {
    ...real,
    dpoLosses: (...given: Parameters<typeof real.dpoLosses>) =>
      tf.mul(real.dpoLosses(...given), fault.lossSign),
    hiddenStateGradient: (input: Parameters<typeof real.hiddenStateGradient>[0]) =>
      real.hiddenStateGradient(input).map((value) => value * fault.lawScale),
  };
});

const n = 64;
let base: LanguageModel;
let evidence: SeedEvidence;

beforeAll(async () => {
  await startEngine('auto');
  base = createTinyLlama();
  evidence = await tinySeedEvidence(base, ['sft'], { data: await tinyData(randomPairs(n, 'held out', 2)) });
});
afterAll(() => {
  evidence.dispose();
  base.dispose();
});

const measure = async (subject: 'claim' | 'sft' | 'pre-norm' | 'after-divergence', of = evidence) => {
  const { statistic, ...rest } = await measureGradientLaw({ evidence: of, layers: 'final' }, subject);
  return { ...rest, share: statistic(ones(rest.n)) };
};

describe('gradient-law-agreement', () => {
  it('holds on every prompt of a trained policy, and of one that never saw a preference', async () => {
    for (const subject of ['claim', 'sft'] as const) {
      const { share, counts, details, clusters } = await measure(subject);
      expect(share).toBe(1);
      expect(counts).toEqual({ successes: n, trials: n });
      expect(details['prompts']).toBe(n);
      expect(details['largestRelativeError']).toBeLessThan(1e-3);
      expect(clusters).toHaveLength(n);
    }
  });

  it('is no tautology: the policy has moved from the base', () => {
    const policy = evidence.variant('dpo').margins;
    expect(evidence.base.margins.some((margin, i) => Math.abs(margin - (policy[i] ?? 0)) > 0.1)).toBe(true);
  });

  it('breaks before a final norm of uneven gain, and after the completions diverge', async () => {
    expect((await measure('pre-norm')).share).toBe(0);
    expect((await measure('after-divergence')).share).toBe(0);
  });

  it.each([
    ['the loss’s sign is turned', { lossSign: -1, lawScale: 1 }],
    ['the law’s sign is turned', { lossSign: 1, lawScale: -1 }],
    ['the law is 1 % too large', { lossSign: 1, lawScale: 1.01 }],
  ])('breaks once %s', async (_, planted) => {
    try {
      Object.assign(fault, planted);
      expect((await measure('claim')).share).toBe(0);
    } finally {
      Object.assign(fault, { lossSign: 1, lawScale: 1 });
    }
  });

  it('is algebra: it holds of any β and of any reference', async () => {
    const { training } = evidence.experiment;
    const other = {
      ...evidence,
      base: { ...evidence.base, margins: evidence.base.margins.map((margin) => -margin) },
    };
    expect((await measure('claim', other)).share).toBe(1);
    const doubled = {
      ...evidence,
      experiment: { ...evidence.experiment, training: { ...training, beta: 0.7 } },
    };
    expect((await measure('claim', doubled)).share).toBe(1);
  });

  it('is asserted where the completions first differ, not at their common beginning', async () => {
    const pairs = randomPairs(n, 'common beginning', 2).map(({ chosen, rejected, ...rest }) => ({
      ...rest,
      chosen: Int32Array.of(5, ...chosen),
      rejected: Int32Array.of(5, ...rejected),
    }));
    const own = await tinySeedEvidence(base, [], { data: await tinyData(pairs) });
    try {
      const { share, counts, details } = await measure('claim', own);
      expect([share, counts, details['prompts']]).toEqual([1, { successes: n, trials: n }, n]);
      expect(details['largestRelativeError']).toBeLessThan(1e-3);
    } finally {
      own.dispose();
    }
  });

  it('after divergence cannot be judged where every completion is one token', async () => {
    const own = await tinySeedEvidence(base, [], { data: await tinyData(randomPairs(n, 'one token', 1)) });
    try {
      expect((await measure('claim', own)).share).toBe(1);
      await expect(measure('after-divergence', own)).rejects.toThrow(ComputationError);
    } finally {
      own.dispose();
    }
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    for (const subject of ['claim', 'pre-norm', 'after-divergence'] as const) await measure(subject);
    expect(tf.memory().numTensors).toBe(before);
  });
});
