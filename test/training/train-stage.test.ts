import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { hashParameters, type LanguageModel } from '../../src/model/index.js';
import {
  evaluateLanguageModel,
  referenceLogps,
  type StageConfig,
  type StageData,
  stagesOf,
  textRows,
  trainDpo,
  trainInitialStages,
  trainLanguageModel,
  trainSft,
  trainStage,
} from '../../src/training/index.js';
import { tokenPairs } from './preference-data.js';
import { smallModel } from './small-model.js';

const pairs = tokenPairs(12);
const data: StageData = { pairs, context: 8 };
const stage: StageConfig = {
  beta: 0.1,
  learningRate: 5e-3,
  epochs: 2,
  batchSize: 5,
  warmupSteps: 0,
  schedule: 'constant',
  maxGradNorm: 1,
  weightDecay: 0,
  embeddings: 'frozen',
};
const options = { seed: 3 };

const hashOf = async (train: (model: LanguageModel) => Promise<unknown>): Promise<Record<string, string>> => {
  const model = smallModel();
  await train(model);
  const hashes = await hashParameters(model, [...model.variables.keys()]);
  model.dispose();
  return hashes;
};

beforeAll(() => startEngine('auto'));

describe('trainStage', () => {
  it('should be the trainer of its objective, to the byte', async () => {
    const examples = pairs.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
    const rows = textRows(
      pairs.flatMap(({ prompt, chosen }) => [prompt, chosen]),
      8,
    );
    const steps = 2 * Math.ceil(rows.length / 5);
    const direct = {
      dpo: await hashOf(async (model) =>
        trainDpo(model, pairs, await referenceLogps(model, pairs), { ...stage, beta: 0.1 }, options),
      ),
      sft: await hashOf((model) => trainSft(model, examples, stage, options)),
      lm: await hashOf((model) => trainLanguageModel(model, rows, { ...stage, steps }, options)),
    };
    for (const objective of ['dpo', 'sft', 'lm'] as const) {
      expect(await hashOf((model) => trainStage(model, { ...stage, objective }, data, options))).toEqual(
        direct[objective],
      );
    }
    expect(new Set(Object.values(direct).map((hashes) => hashes['model.norm.weight'])).size).toBe(3);
  });

  it('should learn text given instead of the pairs', async () => {
    const rows = textRows([Int32Array.from({ length: 100 }, (_, t) => t % 5)], 8);
    const model = smallModel();
    const before = await evaluateLanguageModel(model, rows);
    const lm = { ...stage, objective: 'lm', epochs: 20, embeddings: 'unfrozen' } as const;
    await trainStage(model, lm, { ...data, rows }, options);
    expect((await evaluateLanguageModel(model, rows)).natsPerToken).toBeLessThan(before.natsPerToken / 3);
    model.dispose();
  });
});

describe('stagesOf and trainInitialStages', () => {
  it('should run what comes before the last stage, in order', async () => {
    const sft: StageConfig = { ...stage, objective: 'sft' };
    const lm: StageConfig = { ...stage, objective: 'lm' };
    expect(stagesOf({ ...stage, initial: [lm, sft] })).toEqual([lm, sft, stage]);
    expect(stagesOf(stage)).toEqual([stage]);
    const byHand = await hashOf(async (model) => {
      await trainStage(model, lm, data, options);
      await trainStage(model, sft, data, options);
    });
    const training = { ...stage, initial: [lm, sft] };
    expect(await hashOf((model) => trainInitialStages(model, training, data, options))).toEqual(byHand);
    expect(await hashOf((model) => trainInitialStages(model, stage, data, options))).toEqual(
      await hashOf(async () => undefined),
    );
  });
});

describe('textRows', () => {
  it('should predict each token once but the first and those left at the end', () => {
    const rows = textRows([Int32Array.of(0, 1, 2, 3), Int32Array.of(4, 5), Int32Array.of(6, 7, 8)], 3);
    expect(rows.map((row) => [...row])).toEqual([
      [0, 1, 2, 3],
      [3, 4, 5, 6],
    ]);
    expect(() => textRows([Int32Array.of(1, 2, 3)], 3)).toThrow(/3 tokens has no row of 4/);
  });
});
