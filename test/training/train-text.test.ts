import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, tf } from '../../src/engine/index.js';
import {
  evaluateLanguageModel,
  learningRateAt,
  sequenceLogps,
  trainLanguageModel,
  trainSft,
} from '../../src/training/index.js';
import { clippingScale } from '../../src/training/optimise.js';
import { batchOrder } from '../../src/training/training-step.js';
import { smallModel } from './small-model.js';

const optimiser = {
  learningRate: 1e-2,
  batchSize: 4,
  warmupSteps: 0,
  schedule: 'constant',
  maxGradNorm: 1,
  weightDecay: 0,
} as const;

beforeAll(() => startEngine('auto'));

describe('trainLanguageModel', () => {
  // Each token is followed by the next one, so there is something to learn; the first one cannot be known.
  const rows = Array.from({ length: 10 }, (_, row) =>
    Int32Array.from({ length: 9 }, (_, t) => (row + t) % 20),
  );

  it('should learn a sequence, from the entropy of a guess, and leak nothing', async () => {
    const model = smallModel({ initializerRange: 0.02 });
    const fresh = await evaluateLanguageModel(model, rows, { batchSize: 3 });
    expect(fresh.natsPerToken).toBeCloseTo(Math.log(20), 1);
    expect(fresh.tokens).toBe(80);
    expect(fresh.perplexity).toBeCloseTo(Math.exp(fresh.natsPerToken), 9);
    const before = tf.memory().numTensors;
    const result = await trainLanguageModel(model, rows, { ...optimiser, steps: 60 }, { seed: 1 });
    expect(tf.memory().numTensors).toBe(before);
    expect(result.metrics.length).toBe(60);
    expect(result.tokens).toBe(60 * 4 * 8);
    const { natsPerToken } = await evaluateLanguageModel(model, rows);
    expect(natsPerToken).toBeLessThan(0.5);
    model.dispose();
  });

  it('should evaluate what log-probabilities of sequences say, whatever the batch size', async () => {
    const model = smallModel();
    const logps = await sequenceLogps(
      model,
      rows.map((row) => ({ prompt: row.slice(0, 1), completion: row.slice(1) })),
    );
    const expected = -logps.reduce((sum, logp) => sum + logp, 0) / 80;
    for (const batchSize of [1, 4, 32]) {
      expect((await evaluateLanguageModel(model, rows, { batchSize })).natsPerToken).toBeCloseTo(expected, 5);
    }
    model.dispose();
  });

  it('should refuse rows of unequal lengths', async () => {
    const model = smallModel();
    const uneven = [Int32Array.of(1, 2, 3), Int32Array.of(1, 2)];
    await expect(evaluateLanguageModel(model, uneven)).rejects.toThrow(/rows of one length/);
    model.dispose();
  });
});

describe('trainSft', () => {
  it('should average over completion tokens alone, and make completions likelier', async () => {
    const model = smallModel();
    const data = [
      { prompt: Int32Array.of(1, 2, 3), completion: Int32Array.of(4) },
      { prompt: Int32Array.of(5), completion: Int32Array.of(6, 7, 8) },
    ];
    const logps = await sequenceLogps(model, data);
    const config = { ...optimiser, epochs: 30, embeddings: 'frozen' } as const;
    const { metrics, embeddingHashes } = await trainSft(model, data, config, { seed: 1 });
    expect(metrics[0]?.loss).toBeCloseTo(-logps.reduce((sum, logp) => sum + logp, 0) / 4, 5);
    expect(metrics.at(-1)?.loss).toBeLessThan((metrics[0]?.loss ?? 0) / 4);
    expect(embeddingHashes.after).toEqual(embeddingHashes.before);
    model.dispose();
  });
});

describe('learningRateAt', () => {
  const rate = (step: number, schedule: 'constant' | 'linear' | 'cosine', warmupSteps = 4): number =>
    learningRateAt(step, 12, { learningRate: 2, warmupSteps, schedule });

  it("should follow Hugging Face's schedules", () => {
    expect([0, 1, 2, 3, 4].map((step) => rate(step, 'linear'))).toEqual([0, 0.5, 1, 1.5, 2]);
    expect([8, 11, 12].map((step) => rate(step, 'linear'))).toEqual([1, 0.25, 0]);
    expect([8, 12].map((step) => rate(step, 'cosine'))).toEqual([1, 0]);
    expect(rate(6, 'cosine')).toBeCloseTo(1 + Math.SQRT1_2, 12);
    expect([4, 8, 12].map((step) => rate(step, 'constant'))).toEqual([2, 2, 2]);
    expect(rate(0, 'linear', 0)).toBe(2);
  });

  it('should warm up for a share of all steps where no number of them is given, rounded up as Hugging Face does', () => {
    const shared = (step: number, warmupSteps: number): number =>
      learningRateAt(step, 12, { learningRate: 2, warmupSteps, warmupShare: 0.3, schedule: 'constant' });
    expect([0, 1, 2, 3, 4].map((step) => shared(step, 0))).toEqual([0, 0.5, 1, 1.5, 2]);
    expect([0, 1, 2].map((step) => shared(step, 2))).toEqual([0, 1, 2]);
  });

  it('should end at a share of the peak where one is given', () => {
    const ending = (step: number, schedule: 'linear' | 'cosine'): number =>
      learningRateAt(step, 12, { learningRate: 2, warmupSteps: 4, finalRateShare: 0.25, schedule });
    for (const schedule of ['linear', 'cosine'] as const) {
      expect([4, 8, 12].map((step) => ending(step, schedule))).toEqual([2, 1.25, 0.5]);
    }
  });
});

describe('batchOrder', () => {
  it('should show every example once an epoch, each epoch in another order', () => {
    const batches = batchOrder(10, 4, 3, 5);
    expect(batches.map(({ length }) => length)).toEqual([4, 4, 2, 4, 4, 2, 4, 4, 2]);
    const epochs = [0, 3, 6].map((from) => batches.slice(from, from + 3).flat());
    for (const epoch of epochs)
      expect([...epoch].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[1]).not.toEqual(epochs[0]);
    expect(batchOrder(10, 4, 3, 5)).toEqual(batches);
  });
});

describe('clippingScale', () => {
  it('should scale down to the norm, never up, and not at all when off', () => {
    expect(clippingScale(4, 1)).toBeCloseTo(0.25, 6);
    expect(clippingScale(0.5, 1)).toBe(1);
    expect(clippingScale(4, 0)).toBe(1);
    expect(clippingScale(4, Number.POSITIVE_INFINITY)).toBe(1);
  });
});
