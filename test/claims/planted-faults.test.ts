/** Plants the faults that this kind of study is known for, one at a time, and sees each end in a fail or an error. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ComputationError, createRandom, silentProgress } from '../../src/base/index.js';
import { evidenceOf, type PreparedEvidence } from '../../src/claims/evidence/prepare-evidence.js';
import { collectSeedEvidence, type SeedEvidence } from '../../src/claims/evidence/seed-evidence.js';
import type { Expected, Outcome, Threshold } from '../../src/claims/index.js';
import { resample } from '../../src/claims/jobs/resample.js';
import { judge, overSeeds } from '../../src/claims/judge.js';
import { measureHeldOutVectors } from '../../src/claims/metrics/held-out-vectors.js';
import { type Measurement, measureOnPrompts, type PromptMetric } from '../../src/claims/metrics/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import type { LanguageModel } from '../../src/model/index.js';
import { createTinyLlama, tinyConfig } from '../activations/tiny-llama.js';
import { isotropicRows, normalVector, sum, syntheticEvidence, tinyExperiment } from './synthetic-evidence.js';
import { randomPairs, tinyData } from './tiny-evidence.js';

type Fault = 'none' | 'loss-sign' | 'in-sample' | 'centred' | 'padding';
const planted = vi.hoisted(() => ({ fault: 'none' as Fault }));

vi.mock('../../src/training/dpo-losses.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../src/training/dpo-losses.js')>();
  return {
    ...real,
    dpoLosses: (...[policy, reference, beta]: Parameters<typeof real.dpoLosses>) =>
      planted.fault === 'loss-sign'
        ? real.dpoLosses(tf.neg(policy), tf.neg(reference), beta)
        : real.dpoLosses(policy, reference, beta),
  };
});
vi.mock('../../src/claims/evidence/cross-fitted-vectors.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../src/claims/evidence/cross-fitted-vectors.js')>();
  return {
    ...real,
    crossFitted: (...[byFold, folds]: Parameters<typeof real.crossFitted>) =>
      real.crossFitted(byFold, planted.fault === 'in-sample' ? folds.map((fold) => 1 - fold) : folds),
  };
});
vi.mock('../../src/geometry/displacements.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../src/geometry/displacements.js')>();
  return {
    ...real,
    displacements: (...given: Parameters<typeof real.displacements>) => {
      const delta = real.displacements(...given);
      return planted.fault === 'centred' ? real.centred(delta) : delta;
    },
  };
});
vi.mock('../../src/steering/completion-rows.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../src/steering/completion-rows.js')>();
  return {
    ...real,
    planCompletions: (...given: Parameters<typeof real.planCompletions>) => {
      const plan = real.planCompletions(...given);
      if (planted.fault !== 'padding') return plan;
      const longest = Math.max(...plan.sequences.map(({ ids }) => ids.length));
      const sequences = plan.sequences.map((sequence) => {
        const ids = new Int32Array(longest);
        ids.set(sequence.ids);
        return { ...sequence, ids, promptLength: sequence.promptLength + longest - sequence.ids.length };
      });
      return { ...plan, sequences };
    },
  };
});

let model: LanguageModel;
beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
});
afterEach(() => {
  planted.fault = 'none';
});
afterAll(() => model.dispose());

/** A preference that is there to be learnt: some tokens are always chosen, others always rejected. */
const preferencePairs = (count: number, seed: string) => {
  const random = createRandom(seed);
  return randomPairs(count, seed, 1).map((pair) => ({
    ...pair,
    chosen: Int32Array.of(random.integer(8)),
    rejected: Int32Array.of(20 + random.integer(8)),
  }));
};

const experiment = { ...tinyExperiment(), training: { ...tinyExperiment().training, epochs: 3 } };

const prepare = async (base: LanguageModel = model): Promise<PreparedEvidence> =>
  evidenceOf(
    {
      experiment,
      data: await tinyData(preferencePairs(96, 'held out'), preferencePairs(64, 'train')),
      model: base,
    },
    silentProgress,
  );

const collect = (prepared: PreparedEvidence): Promise<SeedEvidence> =>
  collectSeedEvidence(prepared, { seed: 100, variants: [], progress: silentProgress });

const outcomeOf = (measurement: Measurement, threshold: Threshold, expected: Expected): Outcome =>
  judge(
    { metric: 'm', threshold, level: 0.95 },
    expected,
    overSeeds([100], [resample(measurement, 2000)]),
    [],
  ).own.outcome;

const outcome = async (
  evidence: SeedEvidence,
  metric: PromptMetric,
  threshold: Threshold,
): Promise<Outcome> =>
  outcomeOf(await measureOnPrompts[metric]({ evidence, layers: 'final' }, 'claim'), threshold, 'holds');

/** A policy shifted by one vector, with a little scatter. */
const shifted = () => {
  const d = tinyConfig.hiddenSize;
  const vector = normalVector(createRandom('v'), d, 2);
  const base = isotropicRows(120, d, 'base');
  const scatter = isotropicRows(120, d, 'scatter');
  return syntheticEvidence({
    model,
    base,
    policies: { dpo: base.map((row, i) => sum(sum(row, vector), scatter[i] ?? [], 0.2)) },
  });
};

describe('without a fault', () => {
  it('the same checks pass', async () => {
    const evidence = await collect(await prepare());
    expect(await outcome(evidence, 'accuracy-gain', { atLeast: 0.1 })).toBe('pass');
    expect(await outcome(evidence, 'gradient-law-agreement', { atLeast: 0.9 })).toBe('pass');
    evidence.dispose();
    expect(await outcome(await shifted(), 'singular-value-ratio', { atMost: 0.1 })).toBe('pass');
    const instrument = await measureHeldOutVectors('claim', 1);
    expect(outcomeOf(instrument, { atLeast: 0.99 }, 'holds')).toBe('pass');
  });
});

describe('a planted fault is caught:', () => {
  it('a loss with its sign turned teaches the opposite, and breaks the gradient law', async () => {
    planted.fault = 'loss-sign';
    const evidence = await collect(await prepare());
    expect(await outcome(evidence, 'accuracy-gain', { atLeast: 0.1 })).toBe('fail');
    expect(await outcome(evidence, 'gradient-law-agreement', { atLeast: 0.9 })).toBe('fail');
    evidence.dispose();
  });

  it('v* estimated on the prompts that it judges fails the instrument’s own claim', async () => {
    planted.fault = 'in-sample';
    const instrument = await measureHeldOutVectors('claim', 1);
    expect(outcomeOf(instrument, { atLeast: 0.99 }, 'holds')).toBe('fail');
    expect(instrument.counterexample?.path).toBeTruthy();
  });

  it('a centred spectrum has lost the shift in question', async () => {
    planted.fault = 'centred';
    expect(await outcome(await shifted(), 'singular-value-ratio', { atMost: 0.1 })).toBe('fail');
    await expect(outcome(await shifted(), 'cosine-to-steering-vector', { atLeast: 0.9 })).resolves.toBe(
      'fail',
    );
  });

  it('the residual stream mistaken for the final hidden state is an error', async () => {
    const mistaken = (own: LanguageModel): LanguageModel => ({
      ...own,
      clone: () => mistaken(own.clone()),
      forward: (batch, options) => {
        const result = own.forward(batch, { ...options, captureResiduals: true });
        return { ...result, final: result.residuals.at(-1) ?? result.final };
      },
    });
    await expect(collect(await prepare(mistaken(model)))).rejects.toThrow(/one was taken for the other/);
  });

  it('right padding read as the last token is an error', async () => {
    planted.fault = 'padding';
    await expect(collect(await prepare())).rejects.toThrow(/states are of another position/);
  });

  it('a reference that is not subtracted is an error', async () => {
    const prepared = await prepare();
    const none = new Float64Array(prepared.reference.chosen.length);
    await expect(collect({ ...prepared, reference: { chosen: none, rejected: none } })).rejects.toThrow(
      /not ln 2/,
    );
  });

  it('embeddings that are not really frozen are an error', async () => {
    const leaky = (own: LanguageModel): LanguageModel => ({
      ...own,
      clone: () => leaky(own.clone()),
      embeddingNames: () => [],
    });
    const failing = collect(await prepare(leaky(model)));
    await expect(failing).rejects.toThrow(ComputationError);
    await expect(failing).rejects.toThrow(/said to be frozen were trained/);
  });
});
