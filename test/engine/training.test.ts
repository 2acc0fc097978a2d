/** Optimiser, norm and memory over whole steps, on every engine. */

import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import {
  causalAttention,
  createAdamW,
  embeddingLookup,
  globalNorm,
  linear,
  rmsNorm,
  swiglu,
  targetLogps,
  tf,
  valueAndGrads,
} from '../../src/engine/index.js';
import { ENGINES, engineTitle, start } from './engines.js';

const values = (seed: string, count: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};
const variable = (seed: string, ...shape: number[]): tf.Variable =>
  tf.tidy(() =>
    tf.variable(
      tf.tensor(
        values(
          seed,
          shape.reduce((a, b) => a * b, 1),
        ),
        shape,
      ),
    ),
  );

/** Algorithm 2 of arXiv 1711.05101 as PyTorch orders it, in double precision. */
const referenceAdamW = (
  parameter: Float64Array,
  gradients: readonly Float32Array[],
  { learningRate = 0, beta1 = 0, beta2 = 0, epsilon = 0, weightDecay = 0, scale = 1 },
): Float64Array => {
  const first = new Float64Array(parameter.length);
  const second = new Float64Array(parameter.length);
  const theta = parameter.slice();
  gradients.forEach((gradient, t) => {
    theta.forEach((_, i) => {
      const g = (gradient[i] ?? Number.NaN) * scale;
      const decayed = (theta[i] ?? 0) * (1 - learningRate * weightDecay);
      first[i] = beta1 * (first[i] ?? 0) + (1 - beta1) * g;
      second[i] = beta2 * (second[i] ?? 0) + (1 - beta2) * g * g;
      const m = (first[i] ?? 0) / (1 - beta1 ** (t + 1));
      const v = (second[i] ?? 0) / (1 - beta2 ** (t + 1));
      theta[i] = decayed - (learningRate * m) / (Math.sqrt(v) + epsilon);
    });
  });
  return theta;
};

const createTinyModel = () => {
  const [batch, length, width, vocabulary] = [2, 5, 8, 11];
  const embedding = variable('embedding', vocabulary, width);
  const gain = variable('gain', width);
  const projections = ['q', 'k', 'v', 'gate', 'up'].map((name) => variable(name, width, width));
  const ids = tf.tensor1d(
    Int32Array.from({ length: batch * length }, (_, i) => (i * 7) % vocabulary),
    'int32',
  );
  const loss = (): tf.Scalar => {
    const x = embeddingLookup(embedding as tf.Tensor2D, ids);
    const h = rmsNorm(x, gain as tf.Tensor1D, 1e-5);
    const [q, k, v, gate, up] = projections.map((weight) => linear(h, weight as tf.Tensor2D)) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    const shape = { batch, length, heads: 2, keyValueHeads: 2, headDim: 4 };
    const y: tf.Tensor2D = tf.add(tf.add(x, causalAttention(q, k, v, shape)), swiglu(gate, up));
    return tf.neg(tf.mean(targetLogps(y, embedding as tf.Tensor2D, ids)));
  };
  const variables = [embedding, gain, ...projections];
  return { loss, variables, dispose: () => tf.dispose([...variables, ids]) };
};

describe.each(ENGINES.map((status) => [engineTitle(status), status] as const))('%s', (_, status) => {
  describe.skipIf(!status.available)('', () => {
    beforeAll(() => start(status));

    it('updates parameters as AdamW is defined', async () => {
      const config = { learningRate: 0.03, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1 };
      const scale = 0.7;
      for (const count of [1, 6, 64]) {
        const parameter = variable('parameter', count);
        const initial = Float64Array.from(await parameter.data());
        const gradients = Array.from({ length: 6 }, (_, t) => values(`gradient-${t}`, count));
        const optimiser = createAdamW({ ...config, learningRate: 99 });
        for (const gradient of gradients) {
          const tensor = tf.tensor1d(gradient);
          optimiser.apply(new Map([['p', parameter]]), { p: tensor }, config.learningRate, scale);
          tensor.dispose();
        }
        const expected = referenceAdamW(initial, gradients, { ...config, scale });
        (await parameter.data()).forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
        });
        expect(optimiser.state.get('p')?.steps).toBe(6);
        optimiser.dispose();
        parameter.dispose();
      }
    });

    it('leaves a parameter without a gradient alone, and takes gradients by either name', async () => {
      const [a, b] = [variable('a', 3), variable('b', 3)];
      const before = await b.data();
      const optimiser = createAdamW({ learningRate: 0.1, weightDecay: 0.5 });
      const gradient = tf.ones([3]);
      const named = new Map([
        ['first', a],
        ['second', b],
      ]);
      const initial = await a.data();
      optimiser.apply(named, new Map([[a.name, gradient]]));
      expect(await a.data()).not.toEqual(initial);
      expect(await b.data()).toEqual(before);
      optimiser.dispose();
      tf.dispose([a, b, gradient]);
    });

    it('never writes to a tensor that shares memory with a parameter', async () => {
      const original = tf.tensor1d([1, 2, 3]);
      const parameter = tf.variable(original);
      const clone = parameter.clone();
      const reshaped = tf.reshape(parameter, [3, 1]);
      const gradient = tf.ones([3]);
      const optimiser = createAdamW({ learningRate: 0.1 });
      optimiser.apply(new Map([['p', parameter]]), { p: gradient });
      optimiser.apply(new Map([['p', parameter]]), { p: gradient });
      expect((await parameter.data())[0]).toBeCloseTo(0.8, 5);
      for (const tensor of [original, clone, reshaped]) expect([...(await tensor.data())]).toEqual([1, 2, 3]);
      optimiser.dispose();
      tf.dispose([original, parameter, clone, reshaped, gradient]);
    });

    it('measures the norm of all gradients together', async () => {
      const [a, b] = [tf.tensor1d([3, 0, 0, 0, 0]), tf.tensor2d([[0], [4]])];
      expect(await globalNorm({ a, b })).toBeCloseTo(5, 6);
      expect(
        await globalNorm(
          new Map<string, tf.Tensor>([
            ['a', a],
            ['b', b],
          ]),
        ),
      ).toBeCloseTo(5, 6);
      expect(await globalNorm({})).toBe(0);
      tf.dispose([a, b]);
    });

    it('holds no more tensors after many steps than after two, and repeats them to the byte', async () => {
      const run = async (): Promise<{ losses: number[]; counts: number[]; weights: unknown }> => {
        const model = createTinyModel();
        const named = new Map(model.variables.map((v, i) => [String(i), v]));
        const optimiser = createAdamW({ learningRate: 0.01, weightDecay: 0.01 });
        const losses: number[] = [];
        const counts: number[] = [];
        for (let i = 0; i < 5; i++) {
          const { value, grads } = valueAndGrads(model.loss, model.variables);
          const norm = await globalNorm(grads);
          optimiser.apply(named, grads, 0.01, Math.min(1, 1 / norm));
          const [loss = Number.NaN] = await value.data();
          losses.push(loss);
          tf.dispose([value, grads]);
          counts.push(tf.memory().numTensors);
        }
        const weights = await Promise.all(model.variables.map((v) => v.data()));
        optimiser.dispose();
        model.dispose();
        return { losses, counts, weights };
      };
      const before = tf.memory().numTensors;
      const once = await run();
      expect(tf.memory().numTensors).toBe(before);
      expect(new Set(once.counts.slice(1)).size).toBe(1);
      expect(once.losses.at(-1)).toBeLessThan(once.losses[0] ?? 0);
      const again = await run();
      expect(again.losses).toEqual(once.losses);
      expect(again.weights).toEqual(once.weights);
    }, 240_000);
  });
});
