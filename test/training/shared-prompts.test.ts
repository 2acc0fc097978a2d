/** Two completions of one prompt in a row that forks: the results of two rows, for less. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, tf, valueAndGrads } from '../../src/engine/index.js';
import { createModel, type LanguageModel } from '../../src/model/index.js';
import {
  packedSequenceLogps,
  packSequences,
  sequenceLogps,
  type TokenSequence,
} from '../../src/training/index.js';
import { smallConfigs } from '../model/small-models.js';

const small = (name: string): LanguageModel => {
  const config = smallConfigs[name];
  if (config === undefined) throw new RangeError(`there is no small model called ${name}`);
  return createModel(config, 7);
};

const ids = (minLength: number, maxLength: number) =>
  fc.array(fc.nat(19), { minLength, maxLength }).map((tokens) => Int32Array.from(tokens));
const pair = fc
  .record({ prompt: ids(3, 9), common: ids(0, 2), chosen: ids(1, 5), rejected: ids(1, 5) })
  .map(({ prompt, common, chosen, rejected }): [TokenSequence, TokenSequence] => [
    { prompt, completion: Int32Array.of(...common, ...chosen) },
    { prompt, completion: Int32Array.of(...common, ...rejected) },
  ]);

const apart = (model: LanguageModel): LanguageModel => ({ ...model, readsForks: false });

/** Log-probabilities and the gradients of their alternating weighted sum, as numbers. */
const evaluate = async (model: LanguageModel, sequences: readonly TokenSequence[]) => {
  const packed = packSequences(sequences, model);
  const kept: tf.Tensor[] = [];
  const { value, grads } = valueAndGrads(() => {
    const logps = packedSequenceLogps(model, packed);
    kept.push(tf.keep(logps));
    return tf.sum(
      tf.mul(
        logps,
        sequences.map((_, i) => (i % 2 === 0 ? 0.7 : -1.1)),
      ),
    ) as tf.Scalar;
  }, [...model.variables.values()]);
  const numbers = new Map<string, Float32Array>();
  for (const [name, variable] of model.variables) {
    const gradient = grads[variable.name];
    if (gradient) numbers.set(name, (await gradient.data()) as Float32Array);
  }
  const logps = (await kept[0]?.data()) as Float32Array;
  tf.dispose([value, grads, kept]);
  return { logps, gradients: numbers, rows: packed.batch.batch, forks: packed.batch.forks };
};

const expectClose = (actual: Float32Array, expected: Float32Array, tolerance: number, what: string): void => {
  const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    if (!(Math.abs(value - (expected[i] ?? Number.NaN)) <= tolerance * size)) {
      expect(value, `${what}, entry ${i}`).toBe(expected[i]);
    }
  });
};

beforeAll(() => startEngine('auto'));

describe.each(['llama', 'llama, untied', 'gpt2'])('%s', (architecture) => {
  let model: LanguageModel;
  beforeAll(() => {
    model = small(architecture);
  });
  afterAll(() => model.dispose());

  it('should give the log-probabilities and gradients of rows apart', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(pair, { minLength: 1, maxLength: 4 }), async (pairs) => {
        const sequences = pairs.flat();
        const [shared, unshared] = [
          await evaluate(model, sequences),
          await evaluate(apart(model), sequences),
        ];
        expect(shared.rows).toBeLessThanOrEqual(unshared.rows);
        // Sums of a few dozen float32 terms in another order.
        expectClose(shared.logps, unshared.logps, 1e-5, 'log-probabilities');
        expect([...shared.gradients.keys()]).toEqual([...unshared.gradients.keys()]);
        for (const [name, gradient] of shared.gradients) {
          expectClose(gradient, unshared.gradients.get(name) ?? new Float32Array(), 5e-5, name);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('should run the prompt once, and what the completions begin with', () => {
    const prompt = Int32Array.of(1, 2, 3, 4, 5);
    const packed = packSequences(
      [
        { prompt, completion: Int32Array.of(6, 7, 8) },
        { prompt, completion: Int32Array.of(6, 9, 10, 11) },
      ],
      model,
    );
    expect(packed.batch.ids).toEqual(Int32Array.of(1, 2, 3, 4, 5, 6, 7, 9, 10));
    expect(packed.batch.forks).toEqual(Int32Array.of(6, 7));
    expect(packed.predictors).toEqual(Int32Array.of(4, 5, 6, 4, 5, 7, 8));
    expect(packed.tokens).toBe(9);
  });

  it('should count positions and not columns against what the model can hold', async () => {
    const most = model.config.maxPositions;
    const prompt = new Int32Array(most - 4).fill(3);
    const completions = [Int32Array.of(1, 2, 3, 4), Int32Array.of(5, 6, 7, 8, 9)];
    const sequences = completions.map((completion) => ({ prompt, completion }));
    const packed = packSequences(sequences, model);
    expect(packed.batch.length).toBeGreaterThan(most);
    const together = await sequenceLogps(model, sequences);
    expect(together.every(Number.isFinite)).toBe(true);
    const longer = sequences.map((sequence) => ({ ...sequence, prompt: new Int32Array(most).fill(3) }));
    await expect(sequenceLogps(model, longer)).rejects.toThrow(/does not fit/);
  });
});

it('should keep rows apart that share too little, and models apart that read no forks', () => {
  const llama = small('llama');
  const long = (first: number) => new Int32Array(20).fill(first);
  const sequences = [5, 6].map((first) => ({ prompt: Int32Array.of(1, 2), completion: long(first) }));
  expect(packSequences(sequences, llama).batch.batch).toBe(2);
  const near = [5, 6].map((first) => ({ prompt: long(1), completion: Int32Array.of(first, 1) }));
  expect(packSequences(near, llama).batch.batch).toBe(1);
  expect(packSequences(near, apart(llama)).batch.batch).toBe(2);
  llama.dispose();
});
