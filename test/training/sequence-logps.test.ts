import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, targetLogps, tf } from '../../src/engine/index.js';
import type { LanguageModel } from '../../src/model/index.js';
import {
  hiddenStateGradient,
  packSequences,
  preferencePairLogps,
  sequenceLogps,
  type TokenSequence,
} from '../../src/training/index.js';
import { negativeLogSigmoid } from '../../src/training/negative-log-sigmoid.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures, readJson } from '../model/golden.js';
import { smallModel } from './small-model.js';

interface SequenceCases {
  readonly shape: [number, number, number];
  readonly logits: number[];
  readonly labels: number[][];
  readonly sum_logps: number[];
  readonly num_tokens: number[];
}

interface MultiTokenCases {
  readonly E: number[][];
  readonly multi_token: {
    beta: number;
    h_chosen: number[][];
    h_rejected: number[][];
    y_chosen: number[];
    y_rejected: number[];
    ref_chosen_logp: number;
    ref_rejected_logp: number;
    margin: number;
    loss: number;
    grad_h_chosen: number[][];
    grad_h_rejected: number[][];
    grad_E: number[][];
    grad_h_shared_first: number[] | null;
  }[];
}

/** A model whose logits are given: the row of a sequence is told by its first token, W_U is the identity. */
const modelOfLogits = ({ shape: [, length, vocabulary], logits }: SequenceCases): LanguageModel => {
  const model = smallModel({ vocabularySize: vocabulary });
  return {
    ...model,
    unembedding: () => tf.eye(vocabulary),
    forward: (batch) => {
      const rows: number[] = [];
      for (let b = 0; b < batch.batch; b++) {
        const sequence = batch.ids[b * batch.length] ?? 0;
        for (let t = 0; t < batch.length; t++) {
          const begin = (sequence * length + t) * vocabulary;
          rows.push(...logits.slice(begin, begin + vocabulary));
        }
      }
      return { final: tf.tensor2d(rows, [batch.ids.length, vocabulary]), residuals: [] };
    },
  };
};

const tokens = fc.array(fc.nat(19), { minLength: 1, maxLength: 6 }).map((ids) => Int32Array.from(ids));
const sequences = fc.array(fc.record({ prompt: tokens, completion: tokens }), { minLength: 1, maxLength: 7 });

beforeAll(() => startEngine('auto'));

describe('sequenceLogps', () => {
  it.skipIf(!fixturesPresent)(`should agree with TRL's masked sums${needsFixtures}`, async () => {
    const cases = readJson<SequenceCases>(fixturesFolder, 'dpo', 'sequence_logps.json');
    const data = cases.labels.map((labels, sequence): TokenSequence => {
      const begin = Math.max(
        1,
        labels.findIndex((label) => label !== -100),
      );
      const prompt = new Int32Array(begin);
      prompt[0] = sequence;
      return { prompt, completion: Int32Array.from(labels.slice(begin).filter((label) => label !== -100)) };
    });
    expect(data.map(({ completion }) => completion.length)).toEqual(cases.num_tokens);
    for (const batchSize of [1, 2, 32]) {
      const logps = await sequenceLogps(modelOfLogits(cases), data, { batchSize });
      for (const [i, expected] of cases.sum_logps.entries()) {
        expect(Math.abs((logps[i] ?? Number.NaN) / expected - 1)).toBeLessThan(1e-6);
      }
    }
  });

  it('should not care how sequences are batched, or that neighbours share rows', async () => {
    const model = smallModel();
    await fc.assert(
      fc.asyncProperty(sequences, async (data) => {
        // Neighbours with one prompt are what shares rows: a shorter and an equal completion of the same.
        const related = data.flatMap(({ prompt, completion }) => [
          { prompt, completion },
          { prompt, completion: completion.slice(0, 1) },
          { prompt, completion: Int32Array.from([...completion.slice(0, -1), 3]) },
        ]);
        const alone: number[] = [];
        for (const sequence of related) {
          const [logp] = await sequenceLogps(model, [sequence]);
          alone.push(logp ?? Number.NaN);
        }
        expect(maxDifference(await sequenceLogps(model, related, { batchSize: 4 }), alone)).toBeLessThan(
          2e-5,
        );
        expect(maxDifference(await sequenceLogps(model, related), alone)).toBeLessThan(2e-5);
        expect(packSequences(related, model).batch.batch).toBeLessThanOrEqual(data.length);
      }),
      { numRuns: 8 },
    );
    model.dispose();
  });

  it('should give all of a probability to the one-token completions together', async () => {
    const model = smallModel();
    const prompt = Int32Array.of(4, 1, 7);
    const all = Array.from({ length: 20 }, (_, token) => ({ prompt, completion: Int32Array.of(token) }));
    const logps = await sequenceLogps(model, all);
    expect(logps.reduce((sum, logp) => sum + Math.exp(logp), 0)).toBeCloseTo(1, 5);
    model.dispose();
  });

  it('should add up along a completion: log p(ab|x) = log p(a|x) + log p(b|xa)', async () => {
    const model = smallModel();
    const [x, a, b] = [Int32Array.of(4, 1), Int32Array.of(9), Int32Array.of(2, 3)];
    const join = (left: Int32Array, right: Int32Array): Int32Array => Int32Array.of(...left, ...right);
    const [whole = 0, first = 0, rest = 0] = await sequenceLogps(model, [
      { prompt: x, completion: join(a, b) },
      { prompt: x, completion: a },
      { prompt: join(x, a), completion: b },
    ]);
    expect(whole).toBeCloseTo(first + rest, 5);
    model.dispose();
  });

  it('should give pairs what it gives their halves, and leave no tensor behind', async () => {
    const model = smallModel();
    const data = [
      { prompt: Int32Array.of(1, 2, 3), chosen: Int32Array.of(4), rejected: Int32Array.of(5) },
      { prompt: Int32Array.of(1), chosen: Int32Array.of(4, 6, 6), rejected: Int32Array.of(4, 7) },
      { prompt: Int32Array.of(9, 9), chosen: Int32Array.of(0, 1), rejected: Int32Array.of(8, 8, 8, 8) },
    ];
    const expected = await sequenceLogps(
      model,
      data.map(({ prompt, chosen }) => ({ prompt, completion: chosen })),
    );
    const before = tf.memory().numTensors;
    const pairs = await preferencePairLogps(model, data, { batchSize: 2 });
    expect(tf.memory().numTensors).toBe(before);
    expect(maxDifference(pairs.chosen, expected)).toBeLessThan(1e-5);
    model.dispose();
  });

  it('should refuse an empty prompt or completion', async () => {
    const model = smallModel();
    const [none, one] = [new Int32Array(), Int32Array.of(1)];
    await expect(sequenceLogps(model, [{ prompt: none, completion: one }])).rejects.toThrow(/empty prompt/);
    await expect(sequenceLogps(model, [{ prompt: one, completion: none }])).rejects.toThrow(
      /empty completion/,
    );
    model.dispose();
  });
});

describe('the loss in tensors on multi-token completions', () => {
  it.skipIf(!fixturesPresent)(
    `should have PyTorch's gradients in every hidden state and in W_U${needsFixtures}`,
    async () => {
      const { E, multi_token } = readJson<MultiTokenCases>(fixturesFolder, 'dpo', 'gradient_h.json');
      expect(multi_token.length).toBe(4);
      for (const item of multi_token) {
        const lossOf = (chosen: tf.Tensor2D, rejected: tf.Tensor2D, unembedding: tf.Tensor2D): tf.Scalar => {
          const sum = (hidden: tf.Tensor2D, targets: number[]): tf.Tensor =>
            tf.sum(targetLogps(hidden, unembedding, tf.tensor1d(targets, 'int32')));
          const policyMargin = tf.sub(sum(chosen, item.y_chosen), sum(rejected, item.y_rejected));
          const referenceMargin = item.ref_chosen_logp - item.ref_rejected_logp;
          const margin = tf.mul(tf.sub(policyMargin, referenceMargin), item.beta);
          return tf.sum(negativeLogSigmoid(tf.reshape(margin, [1]) as tf.Tensor1D));
        };
        const gradientsOf = tf.grads((...x: tf.Tensor[]) => {
          const [chosen, rejected, unembedding] = x as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
          return lossOf(chosen, rejected, unembedding);
        });
        const inputs = [tf.tensor2d(item.h_chosen), tf.tensor2d(item.h_rejected), tf.tensor2d(E)];
        const gradients = gradientsOf(inputs);
        const [chosen = [], rejected = [], unembedding = []] = (await Promise.all(
          gradients.map((gradient) => gradient.array()),
        )) as number[][][];
        tf.dispose([...inputs, ...gradients]);
        expect(maxDifference(chosen.flat(), item.grad_h_chosen.flat())).toBeLessThan(1e-6);
        expect(maxDifference(rejected.flat(), item.grad_h_rejected.flat())).toBeLessThan(1e-6);
        expect(maxDifference(unembedding.flat(), item.grad_E.flat())).toBeLessThan(2e-6);
        if (item.grad_h_shared_first) {
          const law = hiddenStateGradient({
            beta: item.beta,
            margin: item.beta * item.margin,
            chosenEmbedding: E[item.y_chosen[0] ?? 0] ?? [],
            rejectedEmbedding: E[item.y_rejected[0] ?? 0] ?? [],
          });
          expect(maxDifference(law, item.grad_h_shared_first)).toBeLessThan(1e-12);
        }
      }
    },
  );
});
