/** Training that fits: parts of a batch, and activations computed twice, change memory and not results. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, tf, valueAndGrads, valueAndRecomputedGrads } from '../../src/engine/index.js';
import { createLlama, createModel, type ForwardOptions, type LanguageModel } from '../../src/model/index.js';
import {
  attachLora,
  type DpoConfig,
  type LoraConfig,
  packedTokenLogps,
  packSequences,
  preferenceLossNames,
  referenceLogps,
  trainDpo,
  trainLanguageModel,
  trainSft,
} from '../../src/training/index.js';
import { availableEngines } from '../model/engines.js';
import { maxDifference } from '../model/golden.js';
import { smallConfigs, smallT5 } from '../model/small-models.js';
import { tokenPairs } from './preference-data.js';
import { smallModel } from './small-model.js';

const data = tokenPairs(12);
const config: DpoConfig = {
  beta: 0.1,
  learningRate: 0.05,
  optimiser: 'sgd',
  epochs: 2,
  batchSize: 7,
  warmupSteps: 0,
  schedule: 'constant',
  maxGradNorm: 1,
  weightDecay: 0,
  embeddings: 'unfrozen',
};

const weightsOf = async (model: LanguageModel): Promise<number[]> => {
  const values: number[] = [];
  for (const variable of model.variables.values()) values.push(...(await variable.data()));
  return values;
};

const rows = Array.from({ length: 9 }, (_, row) =>
  Int32Array.from({ length: 8 }, (_v, t) => (3 * row + t * t) % 20),
);

/** Trains a fresh model by one objective; its metrics and weights afterwards. */
const trained = async (
  objective: 'dpo' | 'sft' | 'lm',
  overrides: Partial<DpoConfig>,
  make: () => LanguageModel = smallModel,
) => {
  const model = make();
  const settings = { ...config, ...overrides };
  const examples = data.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
  const { metrics } =
    objective === 'dpo'
      ? await trainDpo(model, data, await referenceLogps(model, data), settings, { seed: 3 })
      : objective === 'sft'
        ? await trainSft(model, examples, settings, { seed: 3 })
        : await trainLanguageModel(model, rows, { ...settings, steps: 3 }, { seed: 3 });
  const weights = await weightsOf(model);
  model.dispose();
  return { metrics, weights };
};

/** Equal but for rounding: plain gradient descent passes errors on as they are, where AdamW would blow up tiny ones. */
const expectSameTraining = (
  actual: Awaited<ReturnType<typeof trained>>,
  expected: Awaited<ReturnType<typeof trained>>,
): void => {
  expect(actual.metrics.length).toBe(expected.metrics.length);
  for (const [i, step] of expected.metrics.entries()) {
    for (const [name, value] of Object.entries(step)) {
      const other = (actual.metrics[i] as unknown as Record<string, number>)[name] ?? Number.NaN;
      if (name === 'rewards/accuracies' && i === 0) continue; // margins of rounding error alone
      expect(Math.abs(other - value), `${name} of step ${i}`).toBeLessThan(
        1e-4 * Math.max(1, Math.abs(value)),
      );
    }
  }
  expect(maxDifference(actual.weights, expected.weights)).toBeLessThan(2e-5);
};

beforeAll(() => startEngine('auto'));

describe('microBatchSize', () => {
  it('should give the numbers of the whole batch, whatever its size and the objective', async () => {
    const whole = {
      dpo: await trained('dpo', {}),
      sft: await trained('sft', {}),
      lm: await trained('lm', {}),
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('dpo' as const, 'sft' as const, 'lm' as const),
        fc.integer({ min: 1, max: 8 }),
        async (objective, microBatchSize) => {
          expectSameTraining(await trained(objective, { microBatchSize }), whole[objective]);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('should do so for every loss that treats pairs alone, and refuse the one that does not', async () => {
    for (const loss of preferenceLossNames) {
      const beta = loss === 'simpo' ? 2 : 0.1;
      if (loss === 'kto-pair') {
        await expect(trained('dpo', { loss, microBatchSize: 2 })).rejects.toThrow(/couples the pairs/);
        continue;
      }
      expectSameTraining(
        await trained('dpo', { loss, beta, microBatchSize: 2 }),
        await trained('dpo', { loss, beta }),
      );
    }
  });

  it('should cut an encoder–decoder’s rows of one step at one place', async () => {
    const make = () => smallT5();
    expectSameTraining(await trained('lm', { microBatchSize: 2 }, make), await trained('lm', {}, make));
  });
});

/** Gradients of the SFT loss by name, with and without recomputation. */
const gradientsOf = async (
  model: LanguageModel,
  variables: ReadonlyMap<string, tf.Variable>,
  recompute: boolean,
): Promise<Map<string, Float32Array>> => {
  const packed = packSequences(
    data.map(({ prompt, chosen }) => ({ prompt, completion: chosen })),
    model,
  );
  const loss = (options: ForwardOptions): tf.Scalar =>
    tf.neg(tf.mean(packedTokenLogps(model, packed, options))) as tf.Scalar;
  const list = [...variables.values()];
  const { value, grads } = recompute
    ? valueAndRecomputedGrads((runBlock) => loss({ runBlock }), list)
    : valueAndGrads(() => loss({}), list);
  const result = new Map<string, Float32Array>([['loss', Float32Array.from(await value.data())]]);
  for (const [name, variable] of variables) {
    const gradient = grads[variable.name];
    if (gradient) result.set(name, Float32Array.from(await gradient.data()));
  }
  tf.dispose([value, ...Object.values(grads)]);
  return result;
};

const expectSameGradients = async (
  model: LanguageModel,
  variables: ReadonlyMap<string, tf.Variable>,
): Promise<void> => {
  await gradientsOf(model, variables, false);
  const tensors = tf.memory().numTensors;
  const plain = await gradientsOf(model, variables, false);
  const again = await gradientsOf(model, variables, true);
  expect(tf.memory().numTensors).toBe(tensors);
  expect([...again.keys()]).toEqual([...plain.keys()]);
  expect(plain.size).toBeGreaterThan(4);
  for (const [name, gradient] of plain) {
    const size = Math.max(1e-3, ...gradient.map(Math.abs));
    expect(maxDifference(again.get(name) ?? [], gradient) / size, name).toBeLessThan(1e-5);
  }
};

describe.each(availableEngines)('recompute on engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  it.each(Object.entries(smallConfigs))('should give the same gradients, %s', async (_, modelConfig) => {
    const model = createModel(modelConfig, 7);
    await expectSameGradients(model, model.variables);
    const frozen = model.embeddingNames();
    await expectSameGradients(
      model,
      new Map([...model.variables].filter(([name]) => !frozen.includes(name))),
    );
    const adapter = attachLora(model, { rank: 2, alpha: 4, dropout: 0.3 }, 1);
    adapter.dropBy('mask');
    await expectSameGradients(model, adapter.variables);
    adapter.dispose();
    model.dispose();
  });
});

describe('recompute', () => {
  beforeAll(() => startEngine('auto'));

  it('should train to the same numbers as without, adapters with dropout too', async () => {
    const lora: LoraConfig = { rank: 2, alpha: 4, dropout: 0.2 };
    for (const overrides of [{}, { microBatchSize: 3 }, { lora, embeddings: 'frozen' }] as const) {
      expectSameTraining(
        await trained('dpo', { ...overrides, recompute: true }),
        await trained('dpo', overrides),
      );
    }
  });

  it('should lower the peak of memory, the more the deeper the model', async () => {
    const model = createLlama(
      {
        ...(smallModel().config as Parameters<typeof createLlama>[0]),
        layers: 12,
        hiddenSize: 32,
        headDim: 16,
        intermediateSize: 128,
      },
      1,
    );
    const long = Array.from({ length: 16 }, (_, row) => ({
      prompt: Int32Array.from({ length: 16 }, (_v, t) => (row + t) % 20),
      completion: Int32Array.from({ length: 16 }, (_v, t) => (row * t) % 20),
    }));
    const packed = packSequences(long, model);
    const loss = (options: ForwardOptions): tf.Scalar =>
      tf.neg(tf.mean(packedTokenLogps(model, packed, options))) as tf.Scalar;
    const variables = [...model.variables.values()];
    const above = async (
      run: () => { value: tf.Scalar; grads: Record<string, tf.Tensor> },
    ): Promise<number> => {
      tf.dispose(run());
      const before = tf.memory().numBytes;
      const { peakBytes } = await tf.profile(() => {
        const { value, grads } = run();
        tf.dispose(Object.values(grads));
        return value;
      });
      return peakBytes - before;
    };
    const plain = await above(() => valueAndGrads(() => loss({}), variables));
    const recomputed = await above(() =>
      valueAndRecomputedGrads((runBlock) => loss({ runBlock }), variables),
    );
    expect(recomputed).toBeLessThan(plain / 2);
    model.dispose();
  });
});
