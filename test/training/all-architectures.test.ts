/** Training and scoring work on models of any architecture alike. */
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, targetLogps, tf } from '../../src/engine/index.js';
import {
  arrange,
  arrangedBatch,
  createModel,
  hashParameters,
  type LanguageModel,
} from '../../src/model/index.js';
import {
  evaluateLanguageModel,
  packSequences,
  preferencePairLogps,
  referenceLogps,
  sequenceLogps,
  trainDpo,
  trainLanguageModel,
  trainSft,
} from '../../src/training/index.js';
import { maxDifference } from '../model/golden.js';
import { smallConfigs, smallT5 } from '../model/small-models.js';
import { tokenPairs } from './preference-data.js';

const optimiser = {
  learningRate: 5e-3,
  batchSize: 5,
  warmupSteps: 0,
  schedule: 'constant',
  maxGradNorm: 1,
  weightDecay: 0,
} as const;

const data = tokenPairs(12);

/** Σ log p of a completion, from a forward pass over this prompt and completion alone, arranged by hand. */
const logpAlone = async (
  model: LanguageModel,
  prompt: Int32Array,
  completion: Int32Array,
): Promise<number> => {
  const start = model.decoderStartTokenId;
  const inputs = completion.slice(0, -1);
  const row =
    start === undefined
      ? { ids: Int32Array.of(...prompt, ...inputs) }
      : { ids: Int32Array.of(start, ...inputs), encoder: prompt };
  const total = tf.tidy(() => {
    const { final } = model.forward(arrangedBatch([row]));
    const read = tf.slice2d(final, [row.ids.length - completion.length, 0], [completion.length, -1]);
    return tf.sum(targetLogps(read, model.unembedding(), tf.tensor1d(completion, 'int32')));
  });
  const [sum = Number.NaN] = await total.data();
  total.dispose();
  return sum;
};

beforeAll(() => startEngine('auto'));

describe.each(Object.entries(smallConfigs))('%s', (_, config) => {
  it('should score completions in any batch as alone', async () => {
    const model = createModel(config, 7);
    const chosen: number[] = [];
    const rejected: number[] = [];
    for (const pair of data) {
      chosen.push(await logpAlone(model, pair.prompt, pair.chosen));
      rejected.push(await logpAlone(model, pair.prompt, pair.rejected));
    }
    for (const batchSize of [2, 7, 100]) {
      const logps = await preferencePairLogps(model, data, { batchSize });
      expect(maxDifference(logps.chosen, chosen)).toBeLessThan(1e-4);
      expect(maxDifference(logps.rejected, rejected)).toBeLessThan(1e-4);
    }
    model.dispose();
  });

  it('should begin DPO at ln 2, learn the preference, and keep frozen embeddings as they are', async () => {
    const policy = createModel(config, 7);
    const frozen = policy.embeddingNames();
    const [before, reference] = [await hashParameters(policy, frozen), await referenceLogps(policy, data)];
    const dpo = { ...optimiser, beta: 0.1, epochs: 16, embeddings: 'frozen' } as const;
    const { metrics, embeddingHashes } = await trainDpo(policy, data, reference, dpo, { seed: 3 });
    expect(metrics[0]?.loss).toBeCloseTo(Math.LN2, 4);
    expect(metrics.at(-1)?.loss).toBeLessThan(0.65);
    expect(metrics.at(-1)?.['rewards/accuracies']).toBe(1);
    expect(embeddingHashes.after).toEqual(before);
    const again = await trainDpo(
      policy,
      data,
      reference,
      { ...dpo, epochs: 1, embeddings: 'unfrozen' },
      { seed: 3 },
    );
    for (const name of frozen) expect(again.embeddingHashes.after[name]).not.toBe(before[name]);
    policy.dispose();
  });

  it('should learn completions by SFT and text by prediction, and leave no tensor behind', async () => {
    const model = createModel(config, 7);
    const examples = data.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
    await sequenceLogps(model, examples);
    const tensors = tf.memory().numTensors;
    const sft = { ...optimiser, epochs: 8, embeddings: 'unfrozen' } as const;
    const { metrics } = await trainSft(model, examples, sft, { seed: 1 });
    expect(metrics.at(-1)?.loss).toBeLessThan((metrics[0]?.loss ?? 0) - 0.5);
    const rows = Array.from({ length: 10 }, (_, row) =>
      Int32Array.from({ length: 9 }, (_, t) => (row + t) % 20),
    );
    const fresh = await evaluateLanguageModel(model, rows, { batchSize: 3 });
    await trainLanguageModel(model, rows, { ...optimiser, steps: 40 }, { seed: 1 });
    const learnt = await evaluateLanguageModel(model, rows);
    expect(learnt.natsPerToken).toBeLessThan(fresh.natsPerToken / 2);
    expect(tf.memory().numTensors).toBe(tensors);
    model.dispose();
  });
});

describe('packSequences for an encoder–decoder', () => {
  it('should encode equal prompts once and share rows of the decoder only within a prompt', () => {
    const model = smallT5();
    const [a, b] = [Int32Array.of(3, 4, 5), Int32Array.of(6, 7)];
    const one = Int32Array.of(9);
    const two = Int32Array.of(8, 9);
    const packed = packSequences(
      [
        { prompt: a, completion: one },
        { prompt: a, completion: Int32Array.of(10) },
        { prompt: b, completion: one },
        { prompt: a, completion: two },
      ],
      model,
    );
    // One-token completions of one prompt are read from one start token; the same of another prompt is not.
    expect([...packed.batch.ids]).toEqual([2, 0, 2, 0, 2, 8]);
    expect([...packed.batch.lengths]).toEqual([1, 1, 2]);
    expect([...packed.predictors]).toEqual([0, 0, 2, 4, 5]);
    expect([...packed.targets]).toEqual([9, 10, 9, 8, 9]);
    expect(packed.promptLengths).toEqual([1, 1, 1]);
    expect([...(packed.batch.encoder?.batch.ids ?? [])]).toEqual([3, 4, 5, 6, 7, 0]);
    expect([...(packed.batch.encoder?.sequenceOf ?? [])]).toEqual([0, 1, 0]);
    expect(packed.tokens).toBe(4 + 5);
    model.dispose();
  });

  it('should evaluate text by the second half of each row, given the first', async () => {
    const model = smallT5();
    const rows = [0, 5].map((from) => Int32Array.from({ length: 9 }, (_, t) => (3 * (from + t)) % 20));
    const { natsPerToken, tokens } = await evaluateLanguageModel(model, rows);
    let expected = 0;
    for (const row of rows) expected -= await logpAlone(model, row.slice(0, 4), row.slice(4));
    expect(tokens).toBe(10);
    expect(natsPerToken).toBeCloseTo(expected / 10, 5);
    expect(arrange(model, rows[0] ?? new Int32Array())).toMatchObject({ promptLength: 1 });
    model.dispose();
  });
});
