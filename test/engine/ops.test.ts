/** One suite over every engine: values and gradients of each operation against float64 definitions. */

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import {
  attentionBlock,
  biasedAttention,
  causalAttention,
  embeddingLookup,
  gatedFeedForward,
  gelu,
  geluNew,
  layerNorm,
  linear,
  rmsNorm,
  rotary,
  swiglu,
  targetLogps,
  tf,
} from '../../src/engine/index.js';
import { ENGINES, engineTitle, start } from './engines.js';
import * as reference from './reference.js';

type Dense = reference.Dense;

/** An operation on some shape: in tensors, and by its definition. */
interface Case {
  readonly inputs: readonly Dense[];
  readonly compute: (inputs: readonly tf.Tensor[]) => tf.Tensor;
  readonly define: (inputs: readonly Dense[]) => Dense;
}

const extent = (most: number) => fc.integer({ min: 1, max: most });
const seed = fc.integer({ min: 0, max: 1e6 });

const random = (seedOf: number, ...shapes: number[][]): Dense[] => {
  const source = createRandom(seedOf);
  return shapes.map((shape) => ({
    shape,
    values: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
      Math.fround(source.normal()),
    ),
  }));
};
const randomIds = (seedOf: number, count: number, bound: number): Int32Array => {
  const source = createRandom(`${seedOf}/ids`);
  return Int32Array.from({ length: count }, () => source.integer(bound));
};
const ids = (values: Int32Array): tf.Tensor1D => tf.tensor1d(values, 'int32');
const toTensor = ({ shape, values }: Dense): tf.Tensor => tf.tensor(Float32Array.from(values), [...shape]);

/** Where sequences fork, or none does. */
const randomForks = (seedOf: number, batch: number, length: number): { forks?: Int32Array } => {
  const source = createRandom(`${seedOf}/forks`);
  if (source.integer(2) === 0) return {};
  const pairs = Array.from({ length: batch }, () => {
    const resume = 1 + source.integer(length);
    return [1 + source.integer(resume), resume];
  });
  return { forks: Int32Array.from(pairs.flat()) };
};

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  embeddingLookup: fc.tuple(seed, extent(9), extent(7), extent(9)).map(([s, rows, d, count]) => {
    const picked = randomIds(s, count, rows);
    return {
      inputs: random(s, [rows, d]),
      compute: ([table]) => embeddingLookup(table as tf.Tensor2D, ids(picked)),
      define: ([table]) => reference.lookup(table as Dense, picked),
    };
  }),
  linear: fc.tuple(seed, extent(11), extent(9), extent(13)).map(([s, n, k, m]) => ({
    inputs: random(s, [n, k], [m, k]),
    compute: ([x, weight]) => linear(x as tf.Tensor2D, weight as tf.Tensor2D),
    define: ([x, weight]) => reference.linear(x as Dense, weight as Dense),
  })),
  rmsNorm: fc.tuple(seed, extent(6), extent(11)).map(([s, n, d]) => ({
    inputs: random(s, [n, d], [d]),
    compute: ([x, gain]) => rmsNorm(x as tf.Tensor2D, gain as tf.Tensor1D, 1e-2),
    define: ([x, gain]) => reference.rmsNorm(x as Dense, gain as Dense, 1e-2),
  })),
  rotary: fc.tuple(seed, extent(5), extent(3), extent(6)).map(([s, n, heads, half]) => {
    const [cos, sin] = random(s + 1, [4, half], [4, half]) as [Dense, Dense];
    const positions = randomIds(s, n, 4);
    return {
      inputs: random(s, [n, heads * 2 * half]),
      compute: ([x]) =>
        rotary(x as tf.Tensor2D, toTensor(cos) as tf.Tensor2D, toTensor(sin) as tf.Tensor2D, {
          positions: ids(positions),
          headDim: 2 * half,
        }),
      define: ([x]) => reference.rotary(x as Dense, cos, sin, positions, 2 * half),
    };
  }),
  causalAttention: fc
    .tuple(seed, extent(2), extent(7), extent(2), extent(2), extent(5), fc.option(extent(8)))
    .map(([s, batch, length, keyValueHeads, group, headDim, window]) => {
      const heads = keyValueHeads * group;
      const plain = { batch, length, heads, keyValueHeads, headDim };
      // A window and forks are not combined.
      const shape = window === null ? { ...plain, ...randomForks(s, batch, length) } : { ...plain, window };
      const [rows, narrow] = [batch * length, keyValueHeads * headDim];
      return {
        inputs: random(s, [rows, heads * headDim], [rows, narrow], [rows, narrow]),
        compute: ([q, k, v]) => causalAttention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, shape),
        define: ([q, k, v]) => reference.causalAttention(q as Dense, k as Dense, v as Dense, shape),
      };
    }),
  biasedAttention: fc
    .tuple(seed, extent(2), extent(5), extent(5), extent(2), extent(4), fc.boolean(), fc.boolean())
    .map(([s, batch, queryLength, free, heads, headDim, causal, biased]) => {
      const keyLength = causal ? queryLength : free;
      const keyLengths = randomIds(s, batch, keyLength).map((padding) => keyLength - padding);
      const shape = { batch, queryLength, keyLength, heads, headDim, keyLengths, causal };
      const [queries, keys, width] = [batch * queryLength, batch * keyLength, heads * headDim];
      const bias = biased ? [[heads * queryLength, keyLength]] : [];
      return {
        inputs: random(s, [queries, width], [keys, width], [keys, width], ...bias),
        compute: ([q, k, v, b]) =>
          biasedAttention(
            q as tf.Tensor2D,
            k as tf.Tensor2D,
            v as tf.Tensor2D,
            b as tf.Tensor2D | undefined,
            shape,
          ),
        define: ([q, k, v, b]) => reference.biasedAttention(q as Dense, k as Dense, v as Dense, b, shape),
      };
    }),
  gelu: fc.tuple(seed, extent(5), extent(9)).map(([s, n, f]) => ({
    inputs: random(s, [n, f]),
    compute: ([x]) => gelu(x as tf.Tensor2D),
    define: ([x]) => reference.gelu(x as Dense),
  })),
  geluNew: fc.tuple(seed, extent(5), extent(9)).map(([s, n, f]) => ({
    inputs: random(s, [n, f]),
    compute: ([x]) => geluNew(x as tf.Tensor2D),
    define: ([x]) => reference.geluNew(x as Dense),
  })),
  layerNorm: fc.tuple(seed, extent(6), extent(11)).map(([s, n, d]) => ({
    inputs: random(s, [n, d], [d], [d]),
    compute: ([x, gain, bias]) => layerNorm(x as tf.Tensor2D, gain as tf.Tensor1D, bias as tf.Tensor1D, 1e-2),
    define: ([x, gain, bias]) => reference.layerNorm(x as Dense, gain as Dense, bias as Dense, 1e-2),
  })),
  gatedFeedForward: fc.tuple(seed, extent(5), extent(7), extent(6)).map(([s, n, d, f]) => ({
    inputs: random(s, [n, d], [d], [f, d], [f, d], [d, f]),
    compute: ([x, gain, gate, up, down]) => {
      const matrices = { gate: gate as tf.Tensor2D, up: up as tf.Tensor2D, down: down as tf.Tensor2D };
      return gatedFeedForward(x as tf.Tensor2D, { gain: gain as tf.Tensor1D, ...matrices }, 1e-1);
    },
    define: (inputs) =>
      reference.gatedFeedForward(inputs as unknown as [Dense, Dense, Dense, Dense, Dense], 1e-1),
  })),
  attentionBlock: fc
    .tuple(seed, extent(2), extent(5), extent(2), extent(2), extent(2), extent(5))
    .map(([s, batch, length, keyValueHeads, group, half, d]) => {
      const [heads, headDim, epsilon] = [keyValueHeads * group, 2 * half, 1e-1];
      const shape = { batch, length, heads, keyValueHeads, headDim, ...randomForks(s, batch, length) };
      const [cos, sin] = random(s + 1, [4, half], [4, half]) as [Dense, Dense];
      const positions = randomIds(s, batch * length, 4);
      const [wide, narrow] = [heads * headDim, keyValueHeads * headDim];
      return {
        inputs: random(s, [batch * length, d], [d], [wide, d], [narrow, d], [narrow, d], [d, wide]),
        compute: ([x, gain, query, key, value, output]) =>
          attentionBlock(
            x as tf.Tensor2D,
            {
              gain: gain as tf.Tensor1D,
              query: query as tf.Tensor2D,
              key: key as tf.Tensor2D,
              value: value as tf.Tensor2D,
              output: output as tf.Tensor2D,
            },
            {
              shape,
              epsilon,
              cos: toTensor(cos) as tf.Tensor2D,
              sin: toTensor(sin) as tf.Tensor2D,
              positions: ids(positions),
            },
          ),
        define: (inputs) =>
          reference.attentionBlock(inputs as unknown as [Dense, Dense, Dense, Dense, Dense, Dense], {
            shape,
            epsilon,
            cos,
            sin,
            positions,
          }),
      };
    }),
  swiglu: fc.tuple(seed, extent(5), extent(9)).map(([s, n, f]) => ({
    inputs: random(s, [n, f], [n, f]),
    compute: ([gate, up]) => swiglu(gate as tf.Tensor2D, up as tf.Tensor2D),
    define: ([gate, up]) => reference.swiglu(gate as Dense, up as Dense),
  })),
  targetLogps: fc.tuple(seed, extent(5), extent(6), extent(13)).map(([s, n, d, v]) => {
    const targets = randomIds(s, n, v);
    return {
      inputs: random(s, [n, d], [v, d]),
      compute: ([hidden, unembedding]) =>
        targetLogps(hidden as tf.Tensor2D, unembedding as tf.Tensor2D, ids(targets)),
      define: ([hidden, unembedding]) =>
        reference.targetLogps(hidden as Dense, unembedding as Dense, targets),
    };
  }),
};

/** Single precision sums of a few dozen terms of order 1; differences of step 1e-5 in double are far better. */
const TOLERANCE = 3e-5;

const expectClose = (actual: ArrayLike<number>, expected: Float64Array): void => {
  expect(actual.length).toBe(expected.length);
  const size = Math.max(1, ...expected.map(Math.abs));
  expected.forEach((value, i) => {
    const difference = Math.abs((actual[i] ?? Number.NaN) - value);
    if (!(difference <= TOLERANCE * size)) expect(actual[i], `entry ${i}`).toBe(value);
  });
};

describe.each(ENGINES.map((status) => [engineTitle(status), status] as const))('%s', (_, status) => {
  describe.skipIf(!status.available)('', () => {
    beforeAll(() => start(status));

    it.each(Object.keys(CASES))('computes %s as it is defined', async (name) => {
      const cases = CASES[name] as fc.Arbitrary<Case>;
      await fc.assert(
        fc.asyncProperty(cases, async ({ inputs, compute, define }) => {
          const before = tf.memory().numTensors;
          const out = tf.tidy(() => compute(inputs.map(toTensor)));
          const expected = define(inputs);
          expect(out.shape).toEqual(expected.shape);
          expectClose(await out.data(), expected.values);
          out.dispose();
          expect(tf.memory().numTensors).toBe(before);
        }),
        { numRuns: 25 },
      );
    });

    it.each(Object.keys(CASES))('differentiates %s', async (name) => {
      const cases = CASES[name] as fc.Arbitrary<Case>;
      await fc.assert(
        fc.asyncProperty(cases, async ({ inputs, compute, define }) => {
          const before = tf.memory().numTensors;
          const [weights] = random(7, [...define(inputs).shape]) as [Dense];
          const gradients = tf.tidy(() => {
            const dy = toTensor(weights);
            const f = (...tensors: tf.Tensor[]): tf.Tensor => tf.sum(tf.mul(compute(tensors), dy));
            return tf.grads(f)(inputs.map(toTensor));
          });
          for (const [which, gradient] of gradients.entries()) {
            expect(gradient.shape).toEqual(inputs[which]?.shape);
            expectClose(
              await gradient.data(),
              reference.numericalGradient(define, inputs, which, weights.values),
            );
          }
          tf.dispose(gradients);
          expect(tf.memory().numTensors).toBe(before);
        }),
        { numRuns: 12 },
      );
    });

    it('refuses shapes and types that do not fit, by name', () => {
      tf.tidy(() => {
        const wide = tf.zeros<tf.Rank.R2>([2, 4]);
        const narrow = tf.zeros<tf.Rank.R2>([2, 3]);
        const floats = tf.zeros<tf.Rank.R1>([2]);
        const shape = { batch: 1, length: 2, heads: 2, keyValueHeads: 1, headDim: 2 };
        expect(() => swiglu(wide, narrow)).toThrow(/up is float32 \[2, 3\]/);
        expect(() => rmsNorm(wide, floats, 1e-5)).toThrow(/gain/);
        expect(() => layerNorm(wide, tf.ones([4]), floats as tf.Tensor1D, 1e-5)).toThrow(/bias/);
        const pairs = { batch: 1, queryLength: 2, keyLength: 2, heads: 2, headDim: 2, keyLengths: [2] };
        const unmasked = { ...pairs, causal: false };
        expect(() => biasedAttention(wide, narrow, wide, undefined, unmasked)).toThrow(/k is/);
        expect(() => biasedAttention(wide, wide, wide, narrow, unmasked)).toThrow(/bias is/);
        expect(() => embeddingLookup(wide, floats)).toThrow(/ids is float32/);
        expect(() => targetLogps(wide, wide, floats)).toThrow(/targets/);
        expect(() => causalAttention(wide, narrow, narrow, shape)).toThrow(/k is/);
        const odd = { ...shape, keyValueHeads: 4 };
        expect(() => causalAttention(wide, wide, wide, odd)).toThrow(/share 4 key heads/);
        const blind = { ...shape, keyValueHeads: 2, window: 0 };
        expect(() => causalAttention(wide, wide, wide, blind)).toThrow(/window of 0/);
        const forked = { ...shape, heads: 1, headDim: 4 };
        const attendForked = (...forks: number[]) =>
          causalAttention(wide, wide, wide, { ...forked, forks: Int32Array.from(forks) });
        expect(() => attendForked(1)).toThrow(/twice as many forks/);
        for (const forks of [
          [0, 1],
          [2, 1],
          [1, 3],
        ]) {
          expect(() => attendForked(...forks)).toThrow(/cannot fork at/);
        }
        const gain = tf.ones<tf.Rank.R1>([4]);
        const square = tf.zeros<tf.Rank.R2>([4, 4]);
        const weights = { gain, gate: square, up: square, down: narrow };
        expect(() => gatedFeedForward(wide, weights, 1e-5)).toThrow(/down is/);
        const positions = floats as tf.Tensor1D;
        expect(() => rotary(wide, narrow, narrow, { positions, headDim: 6 })).toThrow(/x is/);
        expect(() => rotary(wide, narrow, narrow, { positions, headDim: 2 })).toThrow(/cos is/);
      });
    });

    it('gives the same bytes for the same inputs', async () => {
      for (const cases of Object.values(CASES)) {
        const [example] = fc.sample(cases, { numRuns: 1, seed: 5 });
        if (example === undefined) continue;
        const run = async (): Promise<Float32Array[]> => {
          const gradients = tf.tidy(() =>
            tf.grads((...tensors: tf.Tensor[]) => tf.sum(example.compute(tensors)))(
              example.inputs.map(toTensor),
            ),
          );
          const values = await Promise.all(gradients.map((gradient) => gradient.data<'float32'>()));
          tf.dispose(gradients);
          return values;
        };
        expect(await run()).toEqual(await run());
      }
    });
  });
});
