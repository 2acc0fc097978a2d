import { beforeAll, describe, expect, it } from 'vitest';
import { ComputationError } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { hashParameters, type LanguageModel } from '../../src/model/index.js';
import {
  type DpoConfig,
  type DpoStepMetrics,
  preferencePairLogps,
  referenceLogps,
  trainDpo,
} from '../../src/training/index.js';
import { maxDifference } from '../model/golden.js';
import { tokenPairs } from './preference-data.js';
import { smallModel } from './small-model.js';

const config: DpoConfig = {
  beta: 0.1,
  learningRate: 5e-3,
  epochs: 3,
  batchSize: 5,
  warmupSteps: 2,
  schedule: 'cosine',
  maxGradNorm: 1,
  weightDecay: 0.01,
  embeddings: 'frozen',
};

const data = tokenPairs(12);

const train = async (policy: LanguageModel, overrides: Partial<DpoConfig> = {}, seed = 3) => {
  const reference = await referenceLogps(policy, data);
  return trainDpo(policy, data, reference, { ...config, ...overrides }, { seed });
};

const allHashes = (model: LanguageModel): Promise<Record<string, string>> =>
  hashParameters(model, [...model.variables.keys()]);

beforeAll(() => startEngine('auto'));

describe('trainDpo', () => {
  it('should begin at ln 2 with margins of 0, and learn the preference', async () => {
    const policy = smallModel();
    const { metrics, tokens } = await train(policy, { epochs: 20, schedule: 'constant' });
    const [first, last] = [metrics[0], metrics.at(-1)];
    expect(first?.loss).toBeCloseTo(Math.LN2, 5);
    expect(first?.['rewards/margins']).toBeCloseTo(0, 5);
    expect(last?.loss).toBeLessThan(0.6);
    expect(last?.['rewards/accuracies']).toBe(1);
    expect(last?.['logps/chosen']).toBeGreaterThan(last?.['logps/rejected'] ?? 0);
    expect(tokens).toBeGreaterThan(0);
    policy.dispose();
  });

  it('should report what it trains on: margins are chosen minus rejected rewards, the loss is theirs', async () => {
    const policy = smallModel();
    const seen: DpoStepMetrics[] = [];
    const reference = await referenceLogps(policy, data);
    const result = await trainDpo(policy, data, reference, config, {
      seed: 3,
      onStep: (step) => {
        seen.push(step);
      },
    });
    expect(seen).toEqual(result.metrics);
    expect(seen.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    for (const step of seen) {
      expect(step['rewards/chosen'] - step['rewards/rejected']).toBeCloseTo(step['rewards/margins'], 9);
    }
    policy.dispose();
  });

  it('should move the other way when labels are flipped', async () => {
    const policy = smallModel();
    const flipped = data.map((pair) => ({ ...pair, chosen: pair.rejected, rejected: pair.chosen }));
    const before = await preferencePairLogps(policy, data);
    const reference = await referenceLogps(policy, flipped);
    await trainDpo(policy, flipped, reference, { ...config, epochs: 10 }, { seed: 3 });
    const after = await preferencePairLogps(policy, data);
    const shift = after.chosen.map(
      (chosen, i) => chosen - (before.chosen[i] ?? 0) - (after.rejected[i] ?? 0) + (before.rejected[i] ?? 0),
    );
    expect(shift.every((value) => value < 0)).toBe(true);
    policy.dispose();
  });

  it.each([
    ['tied', true, 1],
    ['untied', false, 2],
  ] as const)('should keep frozen embeddings to the byte, and only those, %s', async (_, tied, embeddingCount) => {
    const policy = smallModel({ tied });
    const before = await allHashes(policy);
    const { embeddingHashes } = await train(policy);
    const after = await allHashes(policy);
    expect(Object.keys(embeddingHashes.before).length).toBe(embeddingCount);
    expect(embeddingHashes.after).toEqual(embeddingHashes.before);
    for (const name of Object.keys(before)) {
      expect(after[name] === before[name], name).toBe(policy.embeddingNames().includes(name));
    }
    policy.dispose();
  });

  it('should train E and W_U when unfrozen, and leave a tied model tied', async () => {
    const policy = smallModel();
    const { embeddingHashes } = await train(policy, { embeddings: 'unfrozen' });
    expect(Object.keys(embeddingHashes.before)).toEqual(['model.embed_tokens.weight']);
    expect(embeddingHashes.after).not.toEqual(embeddingHashes.before);
    expect(policy.unembedding()).toBe(policy.variables.get('model.embed_tokens.weight'));
    policy.dispose();
  });

  it('should give the same bytes for the same seed, and another order for another', async () => {
    const runs = [];
    for (const seed of [3, 3, 4]) {
      const policy = smallModel();
      const { metrics } = await train(policy, {}, seed);
      runs.push({ metrics, hashes: await allHashes(policy) });
      policy.dispose();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]?.hashes).not.toEqual(runs[0]?.hashes);
  });

  it('should hold the number of tensors constant over steps, and free its own', async () => {
    const policy = smallModel();
    const reference = await referenceLogps(policy, data);
    const before = tf.memory().numTensors;
    const counts: number[] = [];
    await trainDpo(policy, data, reference, config, {
      seed: 3,
      onStep: () => {
        counts.push(tf.memory().numTensors);
      },
    });
    expect(new Set(counts).size).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
    policy.dispose();
  });

  it('should leave the model it was cloned from alone', async () => {
    const base = smallModel();
    const before = await allHashes(base);
    const policy = base.clone();
    expect(await allHashes(policy)).toEqual(before);
    await train(policy);
    expect(await allHashes(base)).toEqual(before);
    policy.dispose();
    base.dispose();
  });

  it('should clip by the global norm after reporting it', async () => {
    const name = 'model.layers.0.mlp.up_proj.weight';
    const moved = async (maxGradNorm: number) => {
      const policy = smallModel();
      const before = (await policy.variables.get(name)?.data()) ?? [];
      const { metrics } = await train(policy, { maxGradNorm, epochs: 1, weightDecay: 0 });
      const after = (await policy.variables.get(name)?.data()) ?? [];
      policy.dispose();
      return { first: metrics[0]?.grad_norm ?? 0, distance: maxDifference(after, before) };
    };
    const [free, clipped] = [await moved(0), await moved(1e-12)];
    expect(clipped.first).toBeCloseTo(free.first, 6);
    // AdamW forgets the scale of gradients until they are far below its ε of 1e-8: then it hardly moves.
    expect(clipped.distance).toBeLessThan(free.distance / 100);
  });

  it('should name the step and the tensor when a weight is not a number, and leave no tensor behind', async () => {
    const policy = smallModel();
    const reference = await referenceLogps(policy, data);
    const name = 'model.layers.1.mlp.down_proj.weight';
    const weight = policy.variables.get(name);
    weight?.assign(tf.fill(weight.shape, Number.NaN));
    const before = tf.memory().numTensors;
    const failure = await trainDpo(policy, data, reference, config, { seed: 3 }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ComputationError);
    expect(String(failure)).toMatch(
      /step 0.*model\.layers\.1\.mlp\.down_proj\.weight.*examples \d+(, \d+){4} /,
    );
    expect(tf.memory().numTensors).toBe(before);
    policy.dispose();
  });

  it('should name the step, the gradient and the part of the batch that a bad example spoils, before it does harm', async () => {
    const policy = smallModel();
    const reference = await referenceLogps(policy, data);
    reference.chosen[7] = Number.NaN;
    const weights: Record<string, string>[] = [await allHashes(policy)];
    const plain = { ...config, warmupSteps: 0, microBatchSize: 1 };
    const failure = await trainDpo(policy, data, reference, plain, {
      seed: 3,
      onStep: async () => {
        weights.push(await allHashes(policy));
      },
    }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ComputationError);
    // `weights` holds the state before each step made; the one that failed made none.
    const step = weights.length - 1;
    expect(String(failure)).toMatch(
      new RegExp(
        `step ${step}: the loss is NaN; not finite: the gradient of model\\..*examples 7 \\(counted from 0`,
      ),
    );
    expect(await allHashes(policy)).toEqual(weights.at(-1));
    policy.dispose();
  });

  it('should say so when the last update itself goes out of bounds', async () => {
    const policy = smallModel();
    const reference = await referenceLogps(policy, data);
    const once = { ...config, epochs: 1, batchSize: 12, warmupSteps: 0, maxGradNorm: 0, beta: 100 };
    const wild = { ...once, optimiser: 'sgd', schedule: 'constant', learningRate: 1e38 } as const;
    await expect(trainDpo(policy, data, reference, wild, { seed: 3 })).rejects.toThrow(
      /diverged at its last step: not finite: the weight model\./,
    );
    policy.dispose();
  });

  it('should refuse reference log-probabilities of other data', async () => {
    const policy = smallModel();
    const reference = await referenceLogps(policy, data.slice(1));
    const options = { seed: 3 };
    await expect(trainDpo(policy, data, reference, config, options)).rejects.toThrow(/12 preference tuples/);
    const none = { chosen: new Float64Array(), rejected: new Float64Array() };
    await expect(trainDpo(policy, [], none, config, options)).rejects.toThrow(/nothing to train on/);
    policy.dispose();
  });
});
