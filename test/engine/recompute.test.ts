import { beforeAll, describe, expect, it } from 'vitest';
import {
  type RunBlock,
  startEngine,
  tf,
  valueAndGrads,
  valueAndRecomputedGrads,
} from '../../src/engine/index.js';
import { availableEngines } from '../model/engines.js';
import { maxDifference } from '../model/golden.js';

const matrix = (rows: number, columns: number, from: number): tf.Variable =>
  tf.tidy(() =>
    tf.variable(
      tf.tensor2d(
        Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(from + i)),
        [rows, columns],
      ),
    ),
  );

describe.each(availableEngines)('valueAndRecomputedGrads on engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  it('should add up what a parameter is told by several blocks and from outside of them, and free the rest', async () => {
    const shared = matrix(4, 4, 1);
    const own = matrix(4, 4, 2);
    const idle = matrix(4, 4, 3);
    const variables = [shared, own, idle];
    const before = tf.memory().numTensors;
    const loss = (run: RunBlock): tf.Scalar => {
      const input = tf.tensor2d([[1, -1, 0.5, 2]]);
      const scale = tf.tensor1d([1, 2, 3, 4]);
      const first = run(
        ([x = input], [s = scale]) =>
          tf.mul(tf.matMul(x, shared as tf.Tensor as tf.Tensor2D), s) as tf.Tensor2D,
        [input],
        [scale],
      );
      const second = run(
        ([x = first, y = first]) =>
          tf.tanh(
            tf.add(
              tf.matMul(x, shared as tf.Tensor as tf.Tensor2D),
              tf.matMul(y, own as tf.Tensor as tf.Tensor2D),
            ),
          ),
        [first, first],
      );
      return tf.sum(tf.mul(tf.matMul(second, shared as tf.Tensor as tf.Tensor2D), second));
    };
    const plain = valueAndGrads(
      () => loss((block, inputs, constants = []) => block(inputs, constants)),
      variables,
    );
    const again = valueAndRecomputedGrads(loss, variables);
    expect(await again.value.data()).toEqual(await plain.value.data());
    expect(Object.keys(again.grads).sort()).toEqual([shared.name, own.name].sort());
    for (const [name, gradient] of Object.entries(plain.grads)) {
      const values = await gradient.data();
      expect(maxDifference((await again.grads[name]?.data()) ?? [], values)).toBeLessThan(1e-4);
      expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0.1);
    }
    tf.dispose([plain.value, again.value, ...Object.values(plain.grads), ...Object.values(again.grads)]);
    expect(tf.memory().numTensors).toBe(before);
    expect(() =>
      valueAndRecomputedGrads(() => {
        throw new RangeError('a bad block');
      }, variables),
    ).toThrow('a bad block');
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(variables);
  });
});
