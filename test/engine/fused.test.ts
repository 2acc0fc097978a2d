/** The fused kernels against their composed twins, and the properties of the heap that they share with the backend. */

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom, InputError } from '../../src/base/index.js';
import { heapGemm } from '../../src/engine/gemm.js';
import { activeHeap } from '../../src/engine/heap.js';
import {
  attentionBlock,
  causalAttention,
  embeddingLookup,
  gatedFeedForward,
  linear,
  rmsNorm,
  rotary,
  swiglu,
  targetLogps,
  tf,
  valueAndGrads,
} from '../../src/engine/index.js';
import { kernelModule } from '../../src/engine/kernels/module.js';
import { composedAttentionBlock } from '../../src/engine/ops/attention-block.js';
import { composedCausalAttention } from '../../src/engine/ops/causal-attention.js';
import { composedGatedFeedForward } from '../../src/engine/ops/gated-feed-forward.js';
import { composedRmsNorm } from '../../src/engine/ops/rms-norm.js';
import { composedRotary } from '../../src/engine/ops/rotary.js';
import { composedSwiglu } from '../../src/engine/ops/swiglu.js';
import { composedTargetLogps } from '../../src/engine/ops/target-logps.js';
import { ENGINES, engineTitle, start } from './engines.js';

type Op = (...tensors: tf.Tensor2D[]) => tf.Tensor;

const extent = (most: number) => fc.integer({ min: 1, max: most });
const normal = (seed: string, ...shape: number[]): tf.Tensor2D => {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return tf.tensor<tf.Rank>(values, shape) as tf.Tensor2D;
};
const integers = (seed: string, count: number, bound: number): tf.Tensor1D => {
  const random = createRandom(seed);
  return tf.tensor1d(
    Int32Array.from({ length: count }, () => random.integer(bound)),
    'int32',
  );
};

/** Values and gradients of two operations on the same inputs. */
const expectTwins = (fused: Op, composed: Op, inputs: tf.Tensor2D[]): Promise<void> => {
  const all = (op: Op): tf.Tensor[] => {
    const out = op(...inputs);
    const dy = normal('dy', ...out.shape);
    return [out, ...tf.grads((...x: tf.Tensor[]) => tf.sum(tf.mul(op(...(x as tf.Tensor2D[])), dy)))(inputs)];
  };
  const [ours, theirs] = [all(fused), all(composed)];
  return Promise.all(
    ours.map(async (tensor, i) => {
      const twin = theirs[i];
      if (twin === undefined) throw new RangeError('fewer gradients than inputs');
      const [x, y] = [await tensor.data<'float32'>(), await twin.data<'float32'>()];
      const size = y.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      expect(tensor.shape).toEqual(twin.shape);
      x.forEach((value, j) => {
        if (!(Math.abs(value - (y[j] ?? Number.NaN)) <= 2e-5 * size)) expect(value).toBe(y[j]);
      });
    }),
  ).then(() => undefined);
};

const onHeap = ENGINES.filter(({ name }) => name === 'blas' || name === 'wasm');

describe.each(onHeap.map((status) => [engineTitle(status), status] as const))('%s', (_, status) => {
  describe.skipIf(!status.available)('', () => {
    beforeAll(() => start(status));

    it('agrees with the composed twins on shapes of every remainder', async () => {
      await fc.assert(
        fc.asyncProperty(extent(70), extent(67), extent(3), async (n, d, half) => {
          tf.engine().startScope();
          const [x, y] = [normal('x', n, d), normal('y', n, d)];
          const gain = normal('gain', d);
          await expectTwins(
            (a, g) => rmsNorm(a as tf.Tensor2D, g as unknown as tf.Tensor1D, 1e-5),
            (a, g) => composedRmsNorm(a as tf.Tensor2D, g as unknown as tf.Tensor1D, 1e-5),
            [x, gain],
          );
          await expectTwins(
            (a, b) => swiglu(a as tf.Tensor2D, b as tf.Tensor2D),
            (a, b) => composedSwiglu(a as tf.Tensor2D, b as tf.Tensor2D),
            [x, y],
          );
          const [cos, sin] = [normal('cos', 5, half), normal('sin', 5, half)];
          const options = { positions: integers('positions', n, 5), headDim: 2 * half };
          await expectTwins(
            (a) => rotary(a as tf.Tensor2D, cos, sin, options),
            (a) => composedRotary(a as tf.Tensor2D, cos, sin, options),
            [normal('turned', n, 6 * half)],
          );
          const targets = integers('targets', n, 2 * d);
          await expectTwins(
            (a, b) => targetLogps(a as tf.Tensor2D, b as tf.Tensor2D, targets),
            (a, b) => composedTargetLogps(a as tf.Tensor2D, b as tf.Tensor2D, targets),
            [x, normal('unembedding', 2 * d, d)],
          );
          tf.engine().endScope();
        }),
        {
          numRuns: 8,
          examples: [
            [1, 1, 1],
            [64, 64, 2],
          ],
        },
      );
    });

    it('agrees with the composed attention on long, short and grouped heads', async () => {
      await fc.assert(
        fc.asyncProperty(
          extent(2),
          extent(40),
          extent(2),
          extent(2),
          extent(9),
          async (batch, length, keyValueHeads, group, headDim) => {
            tf.engine().startScope();
            const shape = { batch, length, heads: group * keyValueHeads, keyValueHeads, headDim };
            const [rows, wide, narrow] = [batch * length, shape.heads * headDim, keyValueHeads * headDim];
            await expectTwins(
              (q, k, v) => causalAttention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, shape),
              (q, k, v) =>
                composedCausalAttention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, shape),
              [normal('q', rows, wide), normal('k', rows, narrow), normal('v', rows, narrow)],
            );
            tf.engine().endScope();
          },
        ),
        {
          numRuns: 8,
          examples: [
            [1, 1, 1, 1, 1],
            [2, 33, 1, 2, 8],
          ],
        },
      );
    });

    it('agrees with the composed attention where sequences fork', async () => {
      const position = fc.nat(47);
      await fc.assert(
        fc.asyncProperty(extent(48), position, position, async (length, a, b) => {
          tf.engine().startScope();
          const [low, high] = [Math.min(a, b) % length, Math.max(a, b) % length];
          const [fork, resume] = [Math.min(low, high) + 1, Math.max(low, high) + 1];
          // The second sequence has no fork.
          const forks = Int32Array.of(fork, resume, length, length);
          const shape = { batch: 2, length, heads: 2, keyValueHeads: 1, headDim: 8, forks };
          await expectTwins(
            (q, k, v) => causalAttention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, shape),
            (q, k, v) => composedCausalAttention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, shape),
            [normal('q', 2 * length, 16), normal('k', 2 * length, 8), normal('v', 2 * length, 8)],
          );
          tf.engine().endScope();
        }),
        { numRuns: 12, examples: [[48, 31, 40]] },
      );
    });

    it('agrees with the composed blocks, whichever gradients are asked for', async () => {
      await fc.assert(
        fc.asyncProperty(extent(40), extent(37), extent(33), extent(4), async (length, d, f, half) => {
          tf.engine().startScope();
          const shape = { batch: 2, length, heads: 2, keyValueHeads: 1, headDim: 2 * half };
          const [rows, wide, narrow] = [2 * length, 4 * half, 2 * half];
          const [cos, sin] = [normal('cos', 5, half), normal('sin', 5, half)];
          const options = { shape, epsilon: 0.1, cos, sin, positions: integers('positions', rows, 5) };
          const small = (seed: string, ...extents: number[]): tf.Tensor2D =>
            tf.mul(normal(seed, ...extents), 0.3);
          const attend =
            (block: typeof attentionBlock): Op =>
            (...[x, gain, query, key, value, output]) =>
              block(x as tf.Tensor2D, { gain, query, key, value, output } as never, options);
          await expectTwins(attend(attentionBlock), attend(composedAttentionBlock), [
            normal('x', rows, d),
            normal('gain', d),
            small('query', wide, d),
            small('key', narrow, d),
            small('value', narrow, d),
            small('output', d, wide),
          ]);
          const feed =
            (block: typeof gatedFeedForward): Op =>
            (...[x, gain, gate, up, down]) =>
              block(x as tf.Tensor2D, { gain, gate, up, down } as never, 0.1);
          await expectTwins(feed(gatedFeedForward), feed(composedGatedFeedForward), [
            normal('x', rows, d),
            normal('gain', d),
            small('gate', f, d),
            small('up', f, d),
            small('down', d, f),
          ]);
          tf.engine().endScope();
        }),
        { numRuns: 8, examples: [[33, 32, 16, 4]] },
      );
    });

    it('computes of a block the gradients that are asked for, and those as it does all', async () => {
      const parameter = (seed: string, ...shape: number[]): tf.Variable =>
        tf.variable(normal(seed, ...shape));
      const weights = {
        gain: parameter('gain', 8),
        gate: parameter('gate', 12, 8),
        up: parameter('up', 12, 8),
        down: parameter('down', 8, 12),
      };
      const x = parameter('x', 6, 8);
      const loss = (): tf.Scalar =>
        tf.mean(tf.square(gatedFeedForward(x as tf.Tensor as tf.Tensor2D, weights as never, 1e-5)));
      const all = valueAndGrads(loss, [x, ...Object.values(weights)]);
      const some = valueAndGrads(loss, [x, weights.up]);
      expect(new Set(Object.keys(some.grads))).toEqual(new Set([x.name, weights.up.name]));
      for (const { name } of [x, weights.up]) {
        expect(await some.grads[name]?.data()).toEqual(await all.grads[name]?.data());
      }
      // A weight that is computed may stand for a variable, which nobody can tell from the weight.
      const scale = tf.variable(tf.scalar(1));
      const scaled = valueAndGrads(
        () =>
          tf.mean(
            tf.square(
              gatedFeedForward(
                x as tf.Tensor as tf.Tensor2D,
                { ...weights, down: tf.mul(weights.down, scale) } as never,
                1e-5,
              ),
            ),
          ),
        [scale],
      );
      const expected = tf.sum(tf.mul(all.grads[weights.down.name] ?? tf.scalar(Number.NaN), weights.down));
      const [actual = Number.NaN] = (await scaled.grads[scale.name]?.data()) ?? [];
      expect(actual / ((await expected.data())[0] ?? Number.NaN)).toBeCloseTo(1, 4);
      tf.dispose([x, scale, expected, ...Object.values(weights)]);
      tf.dispose([all.value, all.grads, some.value, some.grads, scaled.value, scaled.grads]);
    });

    it('multiplies any matrices, transposed or not, scaled and accumulated', () => {
      fc.assert(
        fc.property(
          extent(140),
          extent(20),
          extent(270),
          fc.boolean(),
          fc.boolean(),
          fc.constantFrom(0, 1, -0.5),
          (m, n, k, transA, transB, beta) => {
            const heap = activeHeap();
            tf.tidy(() => {
              const a = normal('a', m * k);
              const b = normal('b', k * n);
              const c = normal('c', m * n);
              const [av, bv, before] = [a, b, c].map((x) => heap.floats(heap.offset(x), x.size).slice()) as [
                Float32Array,
                Float32Array,
                Float32Array,
              ];
              const [lda, ldb] = [transA ? m : k, transB ? k : n];
              const [pa, pb, pc] = [a, b, c].map(heap.offset) as [number, number, number];
              heapGemm()(transA, transB, m, n, k, 1.5, pa, lda, pb, ldb, beta, pc, n);
              const after = heap.floats(heap.offset(c), m * n);
              for (let i = 0; i < m * n; i++) {
                const [row, column] = [Math.floor(i / n), i % n];
                let sum = 0;
                for (let l = 0; l < k; l++) {
                  const x = av[transA ? l * m + row : row * k + l] ?? Number.NaN;
                  sum += x * (bv[transB ? column * k + l : l * n + column] ?? Number.NaN);
                }
                const expected = 1.5 * sum + beta * (before[i] ?? Number.NaN);
                if (!(Math.abs((after[i] ?? Number.NaN) - expected) < 1e-3)) expect(after[i]).toBe(expected);
              }
            });
          },
        ),
        { numRuns: 25, examples: [[133, 17, 259, true, true, 1]] },
      );
    });

    it('gives no weight so small that products of it would be slow, and no finite one to what is not a number', async () => {
      // Logits of a row, and scores of the last query, are these numbers.
      const slopesOf = async (scores: readonly number[]): Promise<Float32Array[]> => {
        const n = scores.length;
        const shape = { batch: 1, length: n, heads: 1, keyValueHeads: 1, headDim: 1 };
        const gradients = tf.tidy(() => {
          const keys = tf.tensor2d([...scores], [n, 1]);
          const logp = (h: tf.Tensor): tf.Tensor =>
            tf.sum(targetLogps(h as tf.Tensor2D, tf.eye(n), tf.tensor1d([1], 'int32')));
          const last = (values: tf.Tensor): tf.Tensor => {
            const mixed = causalAttention(tf.ones([n, 1]), keys, values as tf.Tensor2D, shape);
            return tf.sum(tf.slice(mixed, [n - 1, 0], [1, 1]));
          };
          return [tf.grad(logp)(tf.reshape(keys, [1, n])), tf.grad(last)(keys)];
        });
        const values = await Promise.all(gradients.map(async (each) => Float32Array.from(await each.data())));
        tf.dispose(gradients);
        return values;
      };
      const far = [0, -20, -68, -70, -80, -86, -90, -1000];
      for (const slopes of await slopesOf(far)) {
        expect([...slopes].map((slope) => slope !== 0)).toEqual(far.map((score) => score > -69));
      }
      for (const slopes of await slopesOf([...far, Number.NaN]))
        expect([...slopes].some(Number.isNaN)).toBe(true);
    });

    it('computes exponentials to within one part in a million', () => {
      const heap = activeHeap();
      const n = 40_001;
      const x = heap.allocate([n]);
      const y = heap.allocate([n]);
      const arguments_ = Float32Array.from({ length: n }, (_, i) => -86.8 + (i * (88.2 + 86.8)) / (n - 1));
      heap.floats(heap.offset(x), n).set(arguments_);
      kernelModule().exponential(heap.offset(x), heap.offset(y), n);
      let worst = 0;
      heap.floats(heap.offset(y), n).forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value / Math.exp(arguments_[i] ?? Number.NaN) - 1));
      });
      expect(worst).toBeLessThan(1e-6);
      const special = [0, -1000, Number.NEGATIVE_INFINITY, 1000, Number.NaN];
      heap.floats(heap.offset(x), special.length).set(special);
      kernelModule().exponential(heap.offset(x), heap.offset(y), special.length);
      const [one, small, none, large, nan] = heap.floats(heap.offset(y), special.length);
      expect(one).toBe(1);
      expect(small).toBeLessThan(2e-38);
      expect(none).toBeLessThan(2e-38);
      expect(large).toBeGreaterThan(1e38);
      expect(nan).toBeNaN();
      heap.release(x);
      heap.release(y);
    });

    it('keeps every value when the heap grows in the middle of a step', async () => {
      const heap = activeHeap();
      const [x, weight] = [normal('x', 60, 64), normal('weight', 64, 64)];
      const gain = tf.ones<tf.Rank.R1>([64]);
      const compute = (): tf.Tensor =>
        tf.tidy(() => swiglu(linear(rmsNorm(x, gain, 1e-5), weight), linear(x, weight)));
      const before = compute();
      const expected = await before.data();
      const held: tf.Tensor[] = [];
      const buffer = heap.memory.buffer;
      while (heap.memory.buffer === buffer) {
        held.push(tf.zeros([1 << 21]));
        const again = compute();
        expect(await again.data()).toEqual(expected);
        again.dispose();
      }
      expect(await before.data()).toEqual(expected);
      tf.dispose([...held, before, x, weight, gain]);
    });

    it('computes no gradient for a frozen table', () => {
      const calls: string[] = [];
      const kernel = tf.getKernel(tf.UnsortedSegmentSum, 'wasm');
      const inner = kernel.kernelFunc;
      kernel.kernelFunc = (call) => {
        calls.push('scatter');
        return inner(call);
      };
      const table = tf.variable(normal('table', 7, 4));
      const weight = tf.variable(normal('weight', 4, 4));
      const ids = integers('ids', 5, 7);
      const loss = (): tf.Scalar =>
        tf.mean(linear(embeddingLookup(table as tf.Tensor2D, ids), weight as tf.Tensor2D));
      const frozen = valueAndGrads(loss, [weight]);
      expect(Object.keys(frozen.grads)).toEqual([weight.name]);
      expect(calls).toEqual([]);
      const unfrozen = valueAndGrads(loss, [table, weight]);
      expect(Object.keys(unfrozen.grads)).toEqual([table.name, weight.name]);
      expect(calls).toEqual(['scatter']);
      kernel.kernelFunc = inner;
      tf.dispose([table, weight, ids, frozen.value, frozen.grads, unfrozen.value, unfrozen.grads]);
    });

    it('says which index points outside', () => {
      tf.tidy(() => {
        const table = normal('table', 3, 4);
        const outside = tf.tensor1d([0, 2, 3], 'int32');
        const negative = tf.tensor1d([-1], 'int32');
        expect(() => embeddingLookup(table, outside)).toThrow(InputError);
        expect(() => embeddingLookup(table, negative)).toThrow(/index 0/);
        expect(() => targetLogps(normal('h', 3, 4), table, outside)).toThrow(/row 2/);
        const half = normal('angles', 3, 2);
        expect(() => rotary(normal('h', 3, 4), half, half, { positions: outside, headDim: 4 })).toThrow(
          /row 2/,
        );
      });
    });

    it('leaves logits that something else holds as they are', async () => {
      const logits = normal('logits', 3, 5);
      const kept = await logits.data();
      const gradients = tf.tidy(() => {
        const identity = tf.tensor2d(
          Float32Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)),
          [5, 5],
        );
        const targets = tf.tensor1d([0, 1, 2], 'int32');
        return tf.grads((x: tf.Tensor) => tf.sum(targetLogps(x as tf.Tensor2D, identity, targets)))([logits]);
      });
      expect(await logits.data()).toEqual(kept);
      tf.dispose([logits, gradients]);
    });
  });
});
