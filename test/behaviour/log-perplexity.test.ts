import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logPerplexities } from '../../src/behaviour/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { createLlama, type LanguageModel } from '../../src/model/index.js';
import { createTinyLlama, randomTokens, tinyConfig } from '../activations/tiny-llama.js';

let model: LanguageModel;
beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
});
afterAll(() => model.dispose());

describe('log-perplexity', () => {
  it('is ln V of any tokens under a model that knows nothing', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => ({
      prompt: randomTokens(4, `prompt ${i}`),
      completion: randomTokens(10, `completion ${i}`),
    }));
    const blank = createLlama({ ...tinyConfig, initializerRange: 1e-3 }, 1);
    const values = await logPerplexities(blank, texts);
    blank.dispose();
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean - Math.log(tinyConfig.vocabularySize))).toBeLessThan(0.01);
  });

  it('is the mean over tokens of −log p, token by token, and has no value for an empty text', async () => {
    const prompt = randomTokens(3, 'prompt');
    const completion = randomTokens(4, 'completion');
    const steps = Array.from({ length: completion.length }, (_, k) => ({
      prompt: Int32Array.from([...prompt, ...completion.subarray(0, k)]),
      completion: completion.subarray(k, k + 1),
    }));
    const single = await logPerplexities(model, steps);
    // The model has made the tables that it keeps by now.
    const before = tf.memory().numTensors;
    const [whole, none] = await logPerplexities(model, [
      { prompt, completion },
      { prompt, completion: new Int32Array() },
    ]);
    expect(tf.memory().numTensors).toBe(before);
    expect(whole).toBeCloseTo(single.reduce((sum, value) => sum + value, 0) / single.length, 4);
    expect(none).toBeNaN();
  });
});
