import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  extractHiddenStates,
  extractToFile,
  lengthBuckets,
  type ReadItem,
} from '../../src/activations/index.js';
import { ComputationError, InputError } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { type LanguageModel, loadModel } from '../../src/model/index.js';
import { openSafetensors } from '../../src/store/index.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures, readJson } from '../model/golden.js';
import { runModel } from '../model/run-model.js';
import { createTinyLlama, randomTokens, tinyConfig } from './tiny-llama.js';

const { hiddenSize: d, layers, vocabularySize } = tinyConfig;
/** Rounding of float32 sums whose order depends on the batch's shape. */
const tolerance = 2e-5;

const lengths = [5, 1, 9, 3, 9, 2, 7];
const items: ReadItem[] = lengths.map((length, index) => ({
  ids: randomTokens(length, index),
  position: index % 2 === 0 ? length - 1 : Math.floor(length / 2),
}));

let model: LanguageModel;
let folder: string;

beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
  folder = await mkdtemp(join(tmpdir(), 'dsteer-extract-'));
});
afterAll(async () => {
  model.dispose();
  await rm(folder, { recursive: true });
});

const row = (matrix: Float32Array | undefined, index: number, width = d): number[] =>
  Array.from(matrix?.subarray(index * width, (index + 1) * width) ?? []);

describe('extractHiddenStates', () => {
  it('should read, in a padded batch of unequal lengths, what each sequence gives alone', async () => {
    const states = await extractHiddenStates(model, items, { batchSize: items.length });
    for (const [index, { ids, position }] of items.entries()) {
      const alone = await runModel(model, [[...ids]]);
      expect(maxDifference(row(states.postNorm, index), alone.final[position] ?? [])).toBeLessThan(tolerance);
      for (let layer = 0; layer < layers; layer++) {
        const expected = alone.residuals[layer]?.[position] ?? [];
        expect(maxDifference(row(states.residual[layer], index), expected)).toBeLessThan(tolerance);
      }
    }
  });

  it('should not depend on the batch size', async () => {
    const one = await extractHiddenStates(model, items, { batchSize: 1 });
    for (const batchSize of [2, 3, 100]) {
      const other = await extractHiddenStates(model, items, { batchSize });
      expect(maxDifference(other.postNorm, one.postNorm)).toBeLessThan(tolerance);
      for (const [layer, residual] of other.residual.entries()) {
        expect(maxDifference(residual, one.residual[layer] ?? [])).toBeLessThan(tolerance);
      }
    }
  });

  it('should not take the residual stream after the last block for the final hidden state', async () => {
    const { residual, postNorm } = await extractHiddenStates(model, items);
    expect(maxDifference(residual.at(-1) ?? [], postNorm)).toBeGreaterThan(0.1);
  });

  it('should leave no tensor behind, even when it fails', async () => {
    await extractHiddenStates(model, items);
    const before = tf.memory().numTensors;
    await extractHiddenStates(model, items, { batchSize: 2 });
    expect(tf.memory().numTensors).toBe(before);
    const broken = createTinyLlama(3);
    const gain = broken.variables.get('model.norm.weight');
    tf.tidy(() => gain?.assign(tf.fill([d], Number.NaN)));
    const withBroken = tf.memory().numTensors;
    await expect(extractHiddenStates(broken, items)).rejects.toThrow(ComputationError);
    // The rotary tables of the new model are made by its first pass and kept.
    expect(tf.memory().numTensors - withBroken).toBeLessThanOrEqual(2);
    broken.dispose();
  });

  it('should refuse positions outside an item and tokens outside the vocabulary', async () => {
    const ids = Int32Array.of(1, 2);
    await expect(extractHiddenStates(model, [{ ids, position: 2 }])).rejects.toThrow(InputError);
    await expect(extractHiddenStates(model, [{ ids, position: -1 }])).rejects.toThrow(InputError);
    const strange = { ids: Int32Array.of(vocabularySize), position: 0 };
    await expect(extractHiddenStates(model, [strange])).rejects.toThrow(/token 40/);
  });

  it.skipIf(!fixturesPresent)(`should agree with PyTorch on a padded batch${needsFixtures}`, async () => {
    interface Oracle {
      readonly batch: {
        readonly input_ids: number[][];
        readonly last_real_index: number[];
        readonly resid_post_last: number[][][];
        readonly final_norm_last: number[][];
      };
    }
    const path = join(fixturesFolder, 'models', 'llama');
    const { batch } = readJson<Oracle>(path, 'expected.json');
    const llama = await loadModel(path);
    const states = await extractHiddenStates(
      llama,
      batch.input_ids.map((ids, b) => ({
        ids: Int32Array.from(ids),
        position: batch.last_real_index[b] ?? 0,
      })),
    );
    const width = llama.hiddenSize;
    for (const [b, layersOf] of batch.resid_post_last.entries()) {
      for (const [layer, expected] of layersOf.entries()) {
        expect(maxDifference(row(states.residual[layer], b, width), expected)).toBeLessThan(1e-4);
      }
      expect(maxDifference(row(states.postNorm, b, width), batch.final_norm_last[b] ?? [])).toBeLessThan(
        1e-4,
      );
    }
    llama.dispose();
  });
});

describe('extractToFile', () => {
  it('should write what extractHiddenStates returns, and the logits, with its metadata', async () => {
    const path = join(folder, 'states.safetensors');
    const metadata = { readout: 'prompt-last' };
    await extractToFile(model, items, path, { batchSize: 3, logits: true, metadata });
    const states = await extractHiddenStates(model, items, { batchSize: 3 });
    const file = await openSafetensors(path);
    try {
      expect(file.metadata).toMatchObject(metadata);
      expect(file.tensors.get('residual')?.shape).toEqual([layers, items.length, d]);
      expect(file.tensors.get('logits')?.shape).toEqual([items.length, vocabularySize]);
      const residual = await file.read('residual');
      states.residual.forEach((rows, layer) => {
        const from = layer * items.length * d;
        expect(residual.subarray(from, from + items.length * d)).toEqual(rows);
      });
      expect(await file.read('postNorm')).toEqual(states.postNorm);
      const logits = await file.read('logits');
      for (const [index, { ids, position }] of items.entries()) {
        const alone = await runModel(model, [[...ids]]);
        const expected = alone.logits[position] ?? [];
        expect(maxDifference(row(logits, index, vocabularySize), expected)).toBeLessThan(tolerance * 5);
      }
    } finally {
      await file.close();
    }
  });

  it('should leave no file when it fails', async () => {
    const before = await readdir(folder);
    const bad = [...items, { ids: Int32Array.of(1), position: 5 }];
    await expect(extractToFile(model, bad, join(folder, 'bad.safetensors'))).rejects.toThrow(InputError);
    await expect(extractToFile(model, [], join(folder, 'none.safetensors'))).rejects.toThrow(
      /nothing to extract/,
    );
    expect(await readdir(folder)).toEqual(before);
  });
});

describe('lengthBuckets', () => {
  it('should hold every index once, longest first, and refuse senseless sizes', () => {
    const buckets = lengthBuckets(lengths, 3);
    expect(buckets.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
    const ordered = buckets.flat().map((index) => lengths[index] ?? 0);
    expect(ordered).toEqual([...ordered].sort((a, b) => b - a));
    for (const size of [0, -1, 1.5, Number.NaN])
      expect(() => lengthBuckets(lengths, size)).toThrow(/batchSize/);
  });
});
