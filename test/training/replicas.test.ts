import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { globalNorm, startEngine, tf } from '../../src/engine/index.js';
import { loadNativeBlas } from '../../src/linalg/index.js';
import { createModel, type LanguageModel, type ModelConfig } from '../../src/model/index.js';
import { firstNonFinite } from '../../src/training/divergence.js';
import {
  type DpoConfig,
  type Replicas,
  referenceLogps,
  startReplicas,
  type TrainingResult,
  trainDpo,
  trainLanguageModel,
  trainSft,
} from '../../src/training/index.js';
import { createOptimiser } from '../../src/training/optimiser.js';
import type { Gradients } from '../../src/training/training-step.js';
import { smallConfigs } from '../model/small-models.js';
import { smallModel } from './small-model.js';

const optimiser = {
  learningRate: 1e-2,
  warmupSteps: 0,
  schedule: 'constant',
  maxGradNorm: 1,
  weightDecay: 0.01,
} as const;
const vocabulary = 20;
const row = (index: number): Int32Array =>
  Int32Array.from({ length: 7 }, (_, t) => (3 * index + t * t) % vocabulary);
const rows = Array.from({ length: 9 }, (_, index) => row(index));
const pairs = rows.map((ids) => ({
  prompt: ids.slice(0, 3),
  chosen: ids.slice(3, 5),
  rejected: ids.slice(4, 7),
}));

/** What `learnText(4)` learns. */
const textTask = {
  trainer: 'lm',
  data: rows,
  config: { ...optimiser, batchSize: 4, steps: 4 },
  seed: 1,
} as const;

type Train = (model: LanguageModel, replicas: Replicas | undefined) => Promise<TrainingResult>;

const learnText =
  (batchSize: number, microBatchSize?: number): Train =>
  (model, replicas) =>
    trainLanguageModel(
      model,
      rows,
      { ...optimiser, batchSize, microBatchSize, steps: 4 },
      { seed: 1, replicas },
    );
const learnTextFor =
  (steps: number): Train =>
  (model, replicas) =>
    trainLanguageModel(model, rows, { ...optimiser, batchSize: 4, steps }, { seed: 1, replicas });
const learnAnswers: Train = (model, replicas) =>
  trainSft(
    model,
    pairs.map(({ prompt, rejected }) => ({ prompt, completion: rejected })),
    { ...optimiser, batchSize: 4, epochs: 2, embeddings: 'unfrozen' },
    { seed: 1, replicas },
  );
const learnPreferences =
  (loss: DpoConfig['loss'], embeddings: DpoConfig['embeddings'] = 'unfrozen'): Train =>
  async (model, replicas) =>
    trainDpo(
      model,
      pairs,
      await referenceLogps(model, pairs),
      { ...optimiser, batchSize: 4, epochs: 2, beta: 0.5, embeddings, loss },
      { seed: 1, replicas },
    );

const weightsOf = async (model: LanguageModel): Promise<Float32Array[]> =>
  Promise.all(
    [...model.variables.values()].map(async (variable) => Float32Array.from(await variable.data())),
  );

const trained = async (train: Train, replicas?: Replicas, config?: ModelConfig) => {
  const model = config === undefined ? smallModel() : createModel(config, 1);
  try {
    const { metrics, embeddingHashes, tokens } = await train(model, replicas);
    return { metrics, embeddingHashes, tokens, weights: await weightsOf(model) };
  } finally {
    model.dispose();
  }
};
type Trained = Awaited<ReturnType<typeof trained>>;

const expectClose = (one: Trained, other: Trained, label = ''): void => {
  expect(one.tokens, label).toBe(other.tokens);
  for (const [step, metrics] of one.metrics.entries()) {
    expect(metrics.loss).toBeCloseTo(other.metrics[step]?.loss ?? Number.NaN, 4);
    expect(metrics.grad_norm).toBeCloseTo(other.metrics[step]?.grad_norm ?? Number.NaN, 3);
  }
  for (const [index, values] of one.weights.entries()) {
    for (const [i, value] of values.entries()) {
      expect(Math.abs(value - (other.weights[index]?.[i] ?? Number.NaN))).toBeLessThan(2e-3);
    }
  }
};

describe.each(['blas', 'wasm'] as const)('replicas on %s', (engine) => {
  const pools = new Map<number, Replicas>();
  const pool = (count: number): Replicas => {
    const replicas = pools.get(count);
    if (replicas === undefined) throw new RangeError(`no pool of ${count}`);
    return replicas;
  };

  beforeAll(async () => {
    await startEngine(engine);
    const { config } = smallModel();
    for (const count of [2, 3]) pools.set(count, await startReplicas(config, count));
  });
  afterAll(async () => {
    for (const replicas of pools.values()) await replicas.close();
  });

  it.each([
    ['text', learnText(4)],
    ['text in smaller parts still', learnText(7, 2)],
    ['answers', learnAnswers],
    ['preferences', learnPreferences('sigmoid')],
    ['preferences by a loss of means', learnPreferences('simpo')],
  ])('should learn %s as one model does, by rounding, and leave nothing behind', async (_, train) => {
    const alone = await trained(train);
    const before = tf.memory().numTensors;
    for (const [count, replicas] of pools)
      expectClose(await trained(train, replicas), alone, `${count} replicas`);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('should give the same bits whenever they are as many', async () => {
    const train = learnPreferences('sigmoid');
    const [one, other] = [await trained(train, pool(2)), await trained(train, pool(2))];
    expect(one).toEqual(other);
  });

  it('should go on from a checkpoint to the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dsteer-replicas-'));
    const learn =
      (stopAt: number): Train =>
      (model, replicas) =>
        trainLanguageModel(
          model,
          rows,
          { ...optimiser, batchSize: 4, steps: 5 },
          {
            seed: 1,
            replicas,
            checkpoints: { folder, every: 1 },
            onStep: ({ step }) => {
              if (step === stopAt) throw new Error('stopped');
            },
          },
        );
    const unbroken = await trained(learnTextFor(5), pool(2));
    await expect(trained(learn(2), pool(2))).rejects.toThrow('stopped');
    expect(await trained(learn(-1), pool(2))).toEqual(unbroken);
    await rm(folder, { recursive: true });
  });

  it('should keep each moment on one thread alone, and give back all of them', async () => {
    const [model, other] = [smallModel(), smallModel()];
    const [own, whole] = [model, other].map((each) => createOptimiser(each.variables, each, textTask.config));
    if (!own || !whole) throw new RangeError('two optimisers');
    const training = pool(2).open(textTask, model, model.variables, own);
    const gradientsOf = (each: LanguageModel): Gradients =>
      Object.fromEntries(
        [...each.variables.values()].map(({ name, shape, size }) => [
          name,
          tf.range(1, size + 1).reshape(shape),
        ]),
      );
    for (let step = 0; step < 3; step++) {
      await training.begin(step, 1).results();
      const [total, all] = [gradientsOf(model), gradientsOf(other)];
      expect(await training.norm(total)).toBe(await globalNorm(all));
      await training.apply(total, 0.01, 0.5);
      whole.apply(all, 0.01, 0.5);
      tf.dispose([total, all]);
    }
    expect(await weightsOf(model)).toEqual(await weightsOf(other));
    expect(own.moments().size).toBeLessThan(whole.moments().size);
    const { moments, release } = await training.moments();
    expect([...moments.keys()].sort()).toEqual([...whole.moments().keys()].sort());
    for (const [name, { first, second, steps }] of whole.moments()) {
      const saved = moments.get(name);
      expect(await saved?.first.data()).toEqual(await first.data());
      expect(await saved?.second.data()).toEqual(await second.data());
      expect(saved?.steps).toBe(steps);
    }
    release();
    training.end();
    for (const each of [own, whole, model, other]) each.dispose();
  });

  it('should show every summed gradient where their norm is not finite', async () => {
    const model = smallModel();
    const own = createOptimiser(model.variables, model, textTask.config);
    for (const [spoilt, variable] of model.variables) {
      const training = pool(2).open(textTask, model, model.variables, own);
      await training.begin(0, 1).results();
      const total: Gradients = Object.fromEntries(
        [...model.variables.values()].map(({ name, shape }) => [name, tf.ones(shape)]),
      );
      total[variable.name]?.dispose();
      total[variable.name] = tf.fill(variable.shape, Number.POSITIVE_INFINITY);
      expect(Number.isFinite(await training.norm(total))).toBe(false);
      await training.collect(total);
      const named = [...model.variables].map(
        ([name, { name: key }]) => [name, total[key] ?? tf.scalar(0)] as const,
      );
      expect(named).toHaveLength(Object.keys(total).length);
      expect(await firstNonFinite(named)).toBe(spoilt);
      training.end();
      tf.dispose(total);
    }
    own.dispose();
    model.dispose();
  });

  it('should be the model alone where a batch cannot be cut', async () => {
    for (const train of [learnPreferences('kto-pair'), learnText(1)]) {
      expect(await trained(train, pool(2))).toEqual(await trained(train));
    }
  });

  it('should keep frozen embeddings, to the bit', async () => {
    const { embeddingHashes } = await trained(learnPreferences('sigmoid', 'frozen'), pool(2));
    expect(embeddingHashes.after).toEqual(embeddingHashes.before);
  });

  it('should sum to the gradient of the whole batch, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 9 }), fc.constantFrom(2, 3), async (batchSize, count) => {
        const plain: Train = (model, replicas) =>
          trainLanguageModel(
            model,
            rows,
            { ...optimiser, optimiser: 'sgd', maxGradNorm: 0, batchSize, steps: 1 },
            { seed: 3, replicas },
          );
        const [alone, together] = [await trained(plain), await trained(plain, pool(count))];
        const [one, other] = [alone.metrics[0]?.grad_norm ?? 0, together.metrics[0]?.grad_norm ?? 0];
        expect(Math.abs(one - other)).toBeLessThan(1e-5 * one);
        expectClose(together, alone);
      }),
      { numRuns: 6 },
    );
  });

  it('should name the step that diverges, whoever computed it, and be of use after', async () => {
    const wild: Train = (model, replicas) =>
      trainLanguageModel(
        model,
        rows,
        { ...optimiser, optimiser: 'sgd', maxGradNorm: 0, learningRate: 1e30, batchSize: 4, steps: 5 },
        { seed: 1, replicas },
      );
    await expect(trained(wild, pool(2))).rejects.toThrow(/training diverged at step 1/);
    expect(await trained(learnText(4), pool(2))).toEqual(await trained(learnText(4), pool(2)));
  });

  it('should refuse a model that they were not started for', async () => {
    const other = { ...smallModel().config, layers: 3 };
    await expect(trained(learnText(4), pool(2), other)).rejects.toThrow(/another model/);
  });

  it('should tell the fault of data that another thread meets', async () => {
    const spoilt = pairs.slice(0, 2).map(({ chosen }, index) => ({
      prompt: Int32Array.of(index === 0 ? 1 : 999),
      completion: chosen,
    }));
    // Of two examples, one a thread, this seed shuffles the spoilt one to either place.
    for (const seed of [1, 2, 3, 4]) {
      const learn: Train = (model, replicas) =>
        trainSft(
          model,
          spoilt,
          { ...optimiser, batchSize: 2, epochs: 1, embeddings: 'unfrozen' },
          { seed, replicas },
        );
      await expect(trained(learn, pool(2))).rejects.toThrow(/999/);
    }
  });
});

const oneOfEach = new Map(Object.values(smallConfigs).map((config) => [config.architecture, config]));

describe.each([...oneOfEach])('replicas of %s', (_, config) => {
  it('should compute what the model does', async () => {
    await startEngine('auto');
    const replicas = await startReplicas(config, 2);
    try {
      const train = learnText(4);
      expectClose(await trained(train, replicas, config), await trained(train, undefined, config));
    } finally {
      await replicas.close();
    }
  });
});

describe('startReplicas', () => {
  it('should give the BLAS its threads back', async () => {
    await startEngine('blas');
    const blas = loadNativeBlas();
    if ('unavailable' in blas) throw new Error(blas.unavailable);
    const { threads } = blas;
    const replicas = await startReplicas(smallModel().config, 2);
    expect(blas.threads).toBe(threads);
    const learn: Train = (model, pool) =>
      trainLanguageModel(
        model,
        rows,
        { ...optimiser, batchSize: 4, steps: 2 },
        { seed: 1, replicas: pool, onStep: () => expect(blas.threads).toBe(1) },
      );
    await trained(learn, replicas);
    expect(blas.threads).toBe(threads);
    await replicas.close();
  });
});
