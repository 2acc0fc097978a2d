import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extractHiddenStates, readoutPositions } from '../../../src/activations/index.js';
import { ComputationError } from '../../../src/base/index.js';
import { createPlacebo } from '../../../src/claims/evidence/placebo-noise.js';
import { startEngine, tf } from '../../../src/engine/index.js';
import { displacements, meanRowNorm } from '../../../src/geometry/index.js';
import { hashParameters, type LanguageModel } from '../../../src/model/index.js';
import { createTinyLlama, perturbedCopy, tinyConfig } from '../../activations/tiny-llama.js';
import { tinyExperiment } from '../synthetic-evidence.js';
import { randomPairs, tinySeedEvidence } from '../tiny-evidence.js';

const probes = readoutPositions(randomPairs(64, 'probes'), 'prompt-last');

let base: LanguageModel;
let policy: LanguageModel;

beforeAll(async () => {
  await startEngine('auto');
  base = createTinyLlama();
  policy = perturbedCopy(base, 0.02);
});
afterAll(() => {
  base.dispose();
  policy.dispose();
});

const statesOf = async (model: LanguageModel) => (await extractHiddenStates(model, probes)).postNorm;

const meanShift = async (model: LanguageModel): Promise<number> =>
  meanRowNorm(
    displacements(await statesOf(base), await statesOf(model), probes.length, tinyConfig.hiddenSize),
  );

const placebo = (targetNorm: number, seed = 100) =>
  createPlacebo({ base, policy, targetNorm, measureNorm: meanShift, seed });

const hashOf = async (model: LanguageModel, name: string): Promise<string> =>
  JSON.stringify(await hashParameters(model, [name]));

describe('the noise placebo', () => {
  it('moves hidden states as far as it is asked to, within 2 %, from far smaller to far larger than the update', async () => {
    const update = await meanShift(policy);
    for (const factor of [0.05, 1, 3]) {
      const { model, meanNorm } = await placebo(factor * update);
      expect(Math.abs((await meanShift(model)) / (factor * update) - 1)).toBeLessThan(0.02);
      expect(meanNorm).toBeCloseTo(await meanShift(model), 6);
      model.dispose();
    }
  });

  it('changes the tensors that training changed and no others: E and W_U stay', async () => {
    const { model } = await placebo(await meanShift(policy));
    let changed = 0;
    for (const name of base.variables.keys()) {
      const trained = (await hashOf(policy, name)) !== (await hashOf(base, name));
      expect((await hashOf(model, name)) !== (await hashOf(base, name))).toBe(trained);
      changed += trained ? 1 : 0;
    }
    expect(changed).toBeGreaterThan(0);
    for (const name of base.embeddingNames())
      expect(await hashOf(model, name)).toBe(await hashOf(base, name));
    model.dispose();
  });

  it('is the same for the same seed and another for another', async () => {
    const update = await meanShift(policy);
    const models = [];
    for (const seed of [1, 1, 2]) models.push((await placebo(update, seed)).model);
    const name = 'model.layers.0.mlp.up_proj.weight';
    const [first, again, other] = await Promise.all(models.map((model) => hashOf(model, name)));
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    for (const model of models) model.dispose();
  });

  it('that cannot reach its target says so and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await expect(
      createPlacebo({ base, policy: base, targetNorm: 1, measureNorm: meanShift, seed: 1 }),
    ).rejects.toThrow(ComputationError);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a seed’s evidence', () => {
  it('holds a placebo of the mean displacement of DPO, within 2 %, and frozen embeddings in every variant', async () => {
    const evidence = await tinySeedEvidence(base, ['placebo-noise', 'shuffled-labels', 'sft']);
    const shift = (name: 'dpo' | 'placebo-noise') => meanRowNorm(evidence.displacement(name, 'postNorm'));
    expect(shift('dpo')).toBeGreaterThan(0.01);
    expect(Math.abs(shift('placebo-noise') / shift('dpo') - 1)).toBeLessThan(0.02);
    for (const name of ['dpo', 'placebo-noise', 'shuffled-labels', 'sft'] as const) {
      const { model } = evidence.variant(name);
      for (const embedding of base.embeddingNames()) {
        expect(await hashOf(model, embedding)).toBe(await hashOf(base, embedding));
      }
    }
    expect(evidence.training('placebo-noise')).toBeUndefined();
    for (const name of ['dpo', 'shuffled-labels', 'sft'] as const) {
      const hashes = evidence.training(name)?.embeddingHashes;
      expect(hashes?.after).toEqual(hashes?.before);
    }
    evidence.dispose();
  });

  it('starts DPO at ln 2, with shuffled labels too: the reference’s sides are exchanged with the labels', async () => {
    const evidence = await tinySeedEvidence(base, ['shuffled-labels']);
    for (const name of ['dpo', 'shuffled-labels'] as const) {
      expect(evidence.training(name)?.metrics[0]?.loss).toBeCloseTo(Math.LN2, 5);
    }
    expect(evidence.variant('dpo').margins).not.toEqual(evidence.variant('shuffled-labels').margins);
    evidence.dispose();
  });

  it('goes on without a control that cannot be made, which is an error to whoever asks for it', async () => {
    const before = tf.memory().numTensors;
    const experiment = tinyExperiment();
    const still = { ...experiment, training: { ...experiment.training, learningRate: 1e-30 } };
    const evidence = await tinySeedEvidence(base, ['placebo-noise', 'sft'], { experiment: still });
    expect(meanRowNorm(evidence.displacement('dpo', 'postNorm'))).toBe(0);
    expect(evidence.variant('sft').margins).toHaveLength(evidence.data.heldOut.length);
    expect(() => evidence.variant('placebo-noise')).toThrow(ComputationError);
    expect(() => evidence.displacement('placebo-noise', 'postNorm')).toThrow(/did not reach a mean/);
    evidence.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('judges each prompt by the vector of the fold that it is not in', async () => {
    const evidence = await tinySeedEvidence(base, []);
    const { byFold, judging, steering } = evidence.vectors('dpo', 'postNorm');
    evidence.data.folds.forEach((fold, index) => {
      expect(judging(index)).toBe(byFold[fold === 0 ? 1 : 0]);
      expect(steering(index)).toEqual(Float32Array.from(judging(index)));
    });
    expect(() => evidence.variant('sft')).toThrow(RangeError);
    evidence.dispose();
  });

  it('is the same for the same seed, gives back its tensors, and leaves the base as it was', async () => {
    const before = tf.memory().numTensors;
    const name = 'model.layers.1.mlp.down_proj.weight';
    const untouched = await hashOf(base, name);
    const first = await tinySeedEvidence(base, ['placebo-noise', 'sft']);
    const again = await tinySeedEvidence(base, ['placebo-noise', 'sft']);
    for (const variant of ['dpo', 'placebo-noise', 'sft'] as const) {
      expect(again.variant(variant).hidden.postNorm).toEqual(first.variant(variant).hidden.postNorm);
      expect(again.variant(variant).margins).toEqual(first.variant(variant).margins);
    }
    first.dispose();
    again.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(await hashOf(base, name)).toBe(untouched);
  });
});
