import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, UsageError } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { normMatchedRandomDirections } from '../../src/geometry/index.js';
import { norm } from '../../src/linalg/index.js';
import type { LanguageModel } from '../../src/model/index.js';
import {
  type CompletionStates,
  collectCompletionStates,
  steeredMargins,
  trainVector,
} from '../../src/steering/index.js';
import { dpoSigmoidLoss } from '../../src/training/index.js';
import { createTinyLlama, tinyConfig } from '../activations/tiny-llama.js';
import { randomPairs } from '../claims/tiny-evidence.js';

const beta = 0.5;
const length = 2;
let model: LanguageModel;
let states: CompletionStates;
let reference: Float64Array;

beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
  states = await collectCompletionStates(model, randomPairs(120, 'pairs'));
  reference = await steeredMargins(states, model.unembedding());
});
afterAll(() => model.dispose());

const train = (options: { seed?: number; norm?: number } = {}) =>
  trainVector(states, {
    unembedding: model.unembedding(),
    referenceMargins: reference,
    beta,
    norm: length,
    seed: 1,
    ...options,
  });

/** Mean DPO loss of base + v, computed by the path that claims use. */
const lossOf = async (vector: Float64Array): Promise<number> => {
  const margins = await steeredMargins(states, model.unembedding(), { vectorFor: () => vector, lambda: 1 });
  const losses = margins.map(
    (margin, i) =>
      dpoSigmoidLoss(
        { policyChosen: margin, policyRejected: 0, referenceChosen: reference[i] ?? 0, referenceRejected: 0 },
        beta,
      ).loss,
  );
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
};

describe('a vector trained under the DPO loss', () => {
  it('has the norm asked for, and a lower loss than any random one of that norm and than none', async () => {
    const vector = await train();
    expect(norm(vector)).toBeCloseTo(length, 4);
    const loss = await lossOf(vector);
    expect(loss).toBeLessThan(Math.LN2);
    const random = normMatchedRandomDirections(20, length, tinyConfig.hiddenSize, createRandom('random'));
    for (const direction of random) expect(loss).toBeLessThan(await lossOf(direction));
  });

  it('is at a minimum: small turns of it raise the loss', async () => {
    const vector = await train();
    const loss = await lossOf(vector);
    for (const turn of normMatchedRandomDirections(5, 0.8, tinyConfig.hiddenSize, createRandom('turns'))) {
      const turned = vector.map((value, i) => value + (turn[i] ?? 0));
      const onSphere = turned.map((value) => (value * length) / norm(turned));
      expect(await lossOf(onSphere)).toBeGreaterThan(loss);
    }
  });

  it('is the same for the same seed, and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const [first, again] = [await train({ seed: 3 }), await train({ seed: 3 })];
    expect(again).toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a norm that is none', async () => {
    await expect(train({ norm: 0 })).rejects.toThrow(UsageError);
    await expect(train({ norm: Number.NaN })).rejects.toThrow(UsageError);
  });
});
