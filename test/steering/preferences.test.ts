import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EncodedPair, extractHiddenStates, readoutPositions } from '../../src/activations/index.js';
import { createRandom, InputError } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { displacements } from '../../src/geometry/index.js';
import type { LanguageModel } from '../../src/model/index.js';
import {
  type CompletionStates,
  collectCompletionStates,
  energyRecovery,
  flips,
  flipsInstalled,
  flipsUndone,
  type Intervention,
  lambdaSweep,
  marginRecovery,
  preferenceLogps,
  preferenceMargins,
  steeredLogps,
  steeredMargins,
} from '../../src/steering/index.js';
import { createTinyLlama, perturbedCopy, randomTokens, tinyConfig } from '../activations/tiny-llama.js';
import { maxDifference } from '../model/golden.js';
import { nextTokenLogps } from '../model/run-model.js';

const { hiddenSize: d } = tinyConfig;
const tolerance = 2e-4;

const pair = (prompt: number, chosen: Int32Array, rejected: Int32Array): EncodedPair => ({
  prompt: randomTokens(prompt, `prompt ${prompt} ${chosen.join()}`),
  chosen,
  rejected,
});
/** One token each; unequal lengths; a common beginning; one a beginning of the other; equal ones. */
const pairs: EncodedPair[] = [
  pair(4, Int32Array.of(3), Int32Array.of(7)),
  pair(9, Int32Array.of(5, 6, 7), Int32Array.of(8)),
  pair(2, Int32Array.of(9), Int32Array.of(10, 11)),
  pair(6, Int32Array.of(1, 2, 3, 4), Int32Array.of(1, 2, 9)),
  pair(1, Int32Array.of(12, 13), Int32Array.of(12, 13, 14)),
  pair(5, Int32Array.of(20, 21), Int32Array.of(20, 21)),
  pair(3, Int32Array.of(30, 31), Int32Array.of(32, 33)),
];
const singles: EncodedPair[] = Array.from({ length: 24 }, (_, i) =>
  pair(2 + (i % 5), Int32Array.of(i % 20), Int32Array.of(20 + (i % 19))),
);

let model: LanguageModel;

beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
});
afterAll(() => {
  model.dispose();
});

const randomVector = (seed: string, scale = 1): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: d }, () => scale * random.normal());
};

describe('preferenceLogps', () => {
  it('should sum the log-probabilities of completion tokens, as sequences run alone give them', async () => {
    const logps = await preferenceLogps(model, pairs, { batchSize: 4 });
    for (const [index, { prompt, chosen, rejected }] of pairs.entries()) {
      for (const [side, completion] of Object.entries({ chosen, rejected })) {
        const all = await nextTokenLogps(model, [...prompt, ...completion]);
        const sum = all.slice(prompt.length - 1).reduce((total, logp) => total + logp, 0);
        expect(logps[side as 'chosen' | 'rejected'][index]).toBeCloseTo(sum, 3);
      }
    }
  });

  it('should not depend on the batch size, and leave no tensor behind', async () => {
    const vector = randomVector('batch');
    const interventions: Intervention[] = [
      { kind: 'add', at: 1, vector, lambda: 1, positions: 'completion' },
    ];
    const one = await preferenceLogps(model, pairs, { batchSize: 1, interventions });
    const before = tf.memory().numTensors;
    const all = await preferenceLogps(model, pairs, { batchSize: 50, interventions });
    expect(tf.memory().numTensors).toBe(before);
    expect(maxDifference(all.chosen, one.chosen)).toBeLessThan(tolerance);
    expect(maxDifference(all.rejected, one.rejected)).toBeLessThan(tolerance);
  });

  it('should steer each pair by its own interventions', async () => {
    const folds = [0, 1].map((fold): Intervention[] => [
      { kind: 'add', at: 2, vector: randomVector(`fold ${fold}`), lambda: 2, positions: 'completion' },
    ]);
    const interventionsFor = (index: number): Intervention[] => folds[index % 2] ?? [];
    const mixed = await preferenceLogps(model, pairs, { batchSize: 2, interventionsFor });
    const apart = await Promise.all(
      folds.map((interventions) => preferenceLogps(model, pairs, { interventions })),
    );
    const expected = pairs.map((_, index) => apart[index % 2]?.chosen[index] ?? Number.NaN);
    expect(maxDifference(mixed.chosen, expected)).toBeLessThan(tolerance);
    expect(maxDifference(apart[0]?.chosen ?? [], apart[1]?.chosen ?? [])).toBeGreaterThan(0.01);
  });

  it('should change nothing after a block by adding λv and then −λv', async () => {
    const vector = randomVector('there and back');
    const there: Intervention = { kind: 'add', at: 1, vector, lambda: 3, positions: 'all' };
    const both = await preferenceLogps(model, pairs, { interventions: [there, { ...there, lambda: -3 }] });
    const plain = await preferenceLogps(model, pairs);
    expect(maxDifference(both.chosen, plain.chosen)).toBeLessThan(tolerance);
  });

  it('should steer prompts too with positions all, and only from the last prompt token on with completion', async () => {
    const steer: Intervention = {
      kind: 'add',
      at: 1,
      vector: randomVector('where'),
      lambda: 2,
      positions: 'all',
    };
    const all = await preferenceLogps(model, pairs, { interventions: [steer] });
    const completion = await preferenceLogps(model, pairs, {
      interventions: [{ ...steer, positions: 'completion' }],
    });
    const ofOneTokenPrompt = 4;
    pairs.forEach((_, index) => {
      const difference = Math.abs((all.chosen[index] ?? 0) - (completion.chosen[index] ?? 0));
      if (index === ofOneTokenPrompt) expect(difference).toBeLessThan(tolerance);
      else expect(difference).toBeGreaterThan(1e-3);
    });
  });

  it('should refuse empty prompts and completions', async () => {
    const [first] = pairs;
    for (const side of ['prompt', 'chosen', 'rejected'] as const) {
      const broken = { ...(first as EncodedPair), [side]: new Int32Array(0) };
      await expect(preferenceLogps(model, [broken])).rejects.toThrow(InputError);
    }
  });
});

describe('collectCompletionStates', () => {
  it('should read a state once where both completions are predicted from it', async () => {
    const states = await collectCompletionStates(model, pairs);
    const rowsOf = (index: number): number => states.promptOf.filter((prompt) => prompt === index).length;
    expect(pairs.map((_, index) => rowsOf(index))).toEqual([1, 3, 2, 4, 3, 2, 3]);
    const singleStates = await collectCompletionStates(model, singles);
    expect(singleStates.promptOf).toEqual(Int32Array.from(singles, (_, index) => index));
    const { postNorm } = await extractHiddenStates(model, readoutPositions(singles, 'prompt-last'));
    expect(maxDifference(singleStates.states, postNorm)).toBeLessThan(2e-5);
  });
});

describe('steeredLogps', () => {
  let states: CompletionStates;
  beforeAll(async () => {
    states = await collectCompletionStates(model, pairs, { batchSize: 3 });
  });
  const vectors = [randomVector('even'), randomVector('odd')];
  const vectorFor = (index: number): Float32Array => vectors[index % 2] ?? new Float32Array(d);

  it('should agree with running the model with the same intervention at postNorm', async () => {
    for (const kind of ['add', 'ablate'] as const) {
      for (const lambda of [0, 0.7, 2]) {
        for (const normPreserving of [false, true]) {
          const quick = await steeredLogps(states, model.unembedding(), {
            vectorFor,
            kind,
            lambda,
            normPreserving,
          });
          const folds = vectors.map((vector): Intervention[] => [
            { kind, at: 'postNorm', vector, lambda, normPreserving, positions: 'completion' },
          ]);
          const hooked = await preferenceLogps(model, pairs, {
            interventionsFor: (index) => folds[index % 2] ?? [],
          });
          expect(maxDifference(quick.chosen, hooked.chosen)).toBeLessThan(tolerance);
          expect(maxDifference(quick.rejected, hooked.rejected)).toBeLessThan(tolerance);
        }
      }
    }
  });

  it('should have steeredMargins as its difference', async () => {
    for (const steering of [undefined, { vectorFor, lambda: -1.5 }]) {
      const margins = await steeredMargins(states, model.unembedding(), steering);
      const logps = await steeredLogps(states, model.unembedding(), steering);
      expect(maxDifference(margins, preferenceMargins(logps))).toBeLessThan(tolerance);
    }
  });

  it('should leave no tensor behind, and not change the states', async () => {
    const held = Float32Array.from(states.states);
    const before = tf.memory().numTensors;
    await steeredMargins(states, model.unembedding(), { vectorFor, lambda: 2 });
    await steeredLogps(states, model.unembedding(), { vectorFor, lambda: 2 });
    expect(tf.memory().numTensors).toBe(before);
    expect(states.states).toEqual(held);
  });

  it('should sweep λ: zero is the model itself, and one-token margins are linear in λ', async () => {
    const single = await collectCompletionStates(model, singles);
    const vector = randomVector('sweep');
    const sweep = await lambdaSweep(single, model.unembedding(), { vectorFor: () => vector }, [-1, 0, 1]);
    const [minus, zero, plus] = sweep.map(({ margins }) => margins);
    const plain = preferenceMargins(await preferenceLogps(model, singles));
    expect(maxDifference(zero ?? [], plain)).toBeLessThan(tolerance);
    const middle = plain.map((_, index) => ((minus?.[index] ?? 0) + (plus?.[index] ?? 0)) / 2);
    expect(maxDifference(middle, plain)).toBeLessThan(tolerance);
    const accuracy = plain.filter((margin) => margin > 0).length / plain.length;
    expect(sweep[1]?.preferenceAccuracy).toBeCloseTo(accuracy, 12);
  });
});

describe('inversion of a policy that differs from its base below the unembedding', () => {
  it('should recover everything with each prompt’s own displacement, and nothing with the zero vector', async () => {
    const policy = perturbedCopy(model, 0.15);
    const items = readoutPositions(singles, 'prompt-last');
    const [baseStates, policyStates] = [
      await extractHiddenStates(model, items),
      await extractHiddenStates(policy, items),
    ];
    const delta = displacements(baseStates.postNorm, policyStates.postNorm, singles.length, d);
    const own = (index: number): Float64Array => delta.data.subarray(index * d, (index + 1) * d);
    const zero = new Float64Array(d);
    const baseCompletion = await collectCompletionStates(model, singles);
    const policyCompletion = await collectCompletionStates(policy, singles);
    const unembedding = model.unembedding();
    const base = await steeredMargins(baseCompletion, unembedding);
    const after = await steeredMargins(policyCompletion, policy.unembedding());
    const invert = (vectorFor: (index: number) => Float64Array) =>
      steeredMargins(policyCompletion, policy.unembedding(), { vectorFor, lambda: -1 });
    const install = (vectorFor: (index: number) => Float64Array) =>
      steeredMargins(baseCompletion, unembedding, { vectorFor, lambda: 1 });
    const ones = new Float64Array(singles.length).fill(1);
    expect(flips({ start: after, steered: after, goal: base }).differs.some((one) => one === 1)).toBe(true);

    const undone = { base, policy: after, steered: await invert(own) };
    expect(flipsUndone(undone)(ones)).toBe(1);
    expect(marginRecovery(undone)(ones)).toBeCloseTo(1, 4);
    expect(energyRecovery(delta, own)(ones)).toBeCloseTo(1, 12);
    const installed = { base, policy: after, steered: await install(own) };
    expect(flipsInstalled(installed)(ones)).toBe(1);

    const untouched = { base, policy: after, steered: await invert(() => zero) };
    expect(flipsUndone(untouched)(ones)).toBe(0);
    expect(marginRecovery(untouched)(ones)).toBeCloseTo(0, 12);
    expect(energyRecovery(delta, () => zero)(ones)).toBe(0);
    expect(flipsInstalled({ base, policy: after, steered: await install(() => zero) })(ones)).toBe(0);

    const wrongWay = await steeredMargins(policyCompletion, policy.unembedding(), {
      vectorFor: own,
      lambda: 1,
    });
    expect(marginRecovery({ base, policy: after, steered: wrongWay })(ones)).toBeLessThan(0);
    policy.dispose();
  });
});
