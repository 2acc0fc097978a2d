/** Hidden states of an encoder–decoder are its decoder's, by the same readouts. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type EncodedPair,
  extractHiddenStates,
  hashReadItems,
  readItem,
  readoutPositions,
} from '../../src/activations/index.js';
import { InputError } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { arrangedBatch, type LanguageModel, loadModel } from '../../src/model/index.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures, readJson } from '../model/golden.js';
import { smallT5 } from '../model/small-models.js';
import { createTinyLlama } from './tiny-llama.js';

const pairs: EncodedPair[] = [
  { prompt: Int32Array.of(3, 4, 5, 6), chosen: Int32Array.of(7), rejected: Int32Array.of(8) },
  { prompt: Int32Array.of(9), chosen: Int32Array.of(10, 11, 12), rejected: Int32Array.of(13, 14) },
  { prompt: Int32Array.of(3, 4), chosen: Int32Array.of(15, 16), rejected: Int32Array.of(17) },
];

let model: LanguageModel;
beforeAll(async () => {
  await startEngine('auto');
  model = smallT5();
});
afterAll(() => model.dispose());

const row = (matrix: Float32Array | undefined, index: number, width: number): number[] =>
  Array.from(matrix?.subarray(index * width, (index + 1) * width) ?? []);

/** Residual streams, then the final state, at the last position of a decoder's input. */
const lastStates = async (ids: number[], encoder: Int32Array): Promise<number[][]> => {
  const tensors = tf.tidy(() => {
    const { final, residuals } = model.forward(arrangedBatch([{ ids: Int32Array.from(ids), encoder }]), {
      captureResiduals: true,
    });
    return [...residuals, final].map((states) => tf.slice2d(states, [ids.length - 1, 0], [1, -1]));
  });
  const values = await Promise.all(tensors.map(async (tensor) => Array.from(await tensor.data())));
  tf.dispose(tensors);
  return values;
};

describe('extractHiddenStates of an encoder–decoder', () => {
  it.each([
    ['the start token, about to generate', 'prompt-last'],
    ['the last completion token', 'response-last'],
  ] as const)('should read its decoder at %s (%s)', async (_, readout) => {
    const { hiddenSize: d } = model;
    for (const batchSize of [1, 32]) {
      const states = await extractHiddenStates(model, readoutPositions(pairs, readout), { batchSize });
      for (const [index, { prompt, chosen }] of pairs.entries()) {
        const decoder = readout === 'prompt-last' ? [2] : [2, ...chosen];
        const expected = await lastStates(decoder, prompt);
        const read = [...states.residual, states.postNorm].map((matrix) => row(matrix, index, d));
        for (const [site, values] of expected.entries()) {
          expect(maxDifference(read[site] ?? [], values)).toBeLessThan(2e-5);
        }
      }
    }
  });

  it('should read ids for its decoder as they are given', async () => {
    const encoder = Int32Array.of(3, 4, 5);
    const item = { ids: Int32Array.of(0, 6, 7), position: 1, encoder };
    const { postNorm } = await extractHiddenStates(model, [item]);
    const expected = await lastStates([0, 6], encoder);
    expect(maxDifference(postNorm, expected.at(-1) ?? [])).toBeLessThan(2e-5);
    expect(hashReadItems([item])).not.toBe(hashReadItems([{ ids: item.ids, position: 1 }]));
  });

  it('should refuse positions inside the prompt, and a decoder alone ids for an encoder', async () => {
    const item = readItem(Int32Array.of(3, 4), 'response-last', Int32Array.of(5));
    await expect(extractHiddenStates(model, [{ ...item, position: 0 }])).rejects.toThrow(/of its prompt/);
    const llama = createTinyLlama();
    const forEncoder = { ids: Int32Array.of(0), position: 0, encoder: Int32Array.of(1) };
    await expect(extractHiddenStates(llama, [forEncoder])).rejects.toThrow(InputError);
    const strange = { ...forEncoder, encoder: Int32Array.of(20) };
    await expect(extractHiddenStates(model, [strange])).rejects.toThrow(/token 20/);
    llama.dispose();
  });

  it.skipIf(!fixturesPresent)(`should agree with PyTorch on a padded batch${needsFixtures}`, async () => {
    interface Oracle {
      readonly batch: {
        readonly input_ids: number[][];
        readonly decoder_input_ids: number[][];
        readonly encoder_last_real_index: number[];
        readonly decoder_last_real_index: number[];
        readonly decoder_resid_post_last: number[][][];
        readonly decoder_final_norm_last: number[][];
      };
    }
    const folder = join(fixturesFolder, 'models', 't5');
    const { batch } = readJson<Oracle>(folder, 'expected.json');
    const t5 = await loadModel(folder);
    const items = batch.input_ids.map((ids, b) => ({
      encoder: Int32Array.from(ids.slice(0, (batch.encoder_last_real_index[b] ?? 0) + 1)),
      ids: Int32Array.from(batch.decoder_input_ids[b] ?? []),
      position: batch.decoder_last_real_index[b] ?? 0,
    }));
    const { residual, postNorm } = await extractHiddenStates(t5, items);
    for (const b of items.keys()) {
      const expected = [...(batch.decoder_resid_post_last[b] ?? []), batch.decoder_final_norm_last[b] ?? []];
      const read = [...residual, postNorm].map((matrix) => row(matrix, b, t5.hiddenSize));
      expect(read.length).toBe(expected.length);
      for (const [site, values] of expected.entries()) {
        expect(maxDifference(read[site] ?? [], values)).toBeLessThan(1e-4);
      }
    }
    t5.dispose();
  });
});
