import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, targetLogps, tf, valueAndGrads } from '../../src/engine/index.js';
import { arrange, arrangedBatch, createModel, type ModelConfig, memoryNeeds } from '../../src/model/index.js';
import { smallConfigs } from './small-models.js';

beforeAll(() => startEngine('auto'));

/** Wide enough that what blocks make outweighs everything that a formula may forget. */
const widened = (config: ModelConfig): ModelConfig => ({
  ...config,
  hiddenSize: 48,
  intermediateSize: 96,
  layers: 4,
  maxPositions: 64,
  ...(config.architecture === 'mistral' ? { slidingWindow: 16 } : {}),
});
const workload = { length: 48, batchSize: 8, pairs: 4 };

const batchOf = (model: Parameters<typeof arrange>[0], sequences: number) => {
  const ids = (length: number, first: number): Int32Array =>
    Int32Array.from({ length }, (_, i) => 3 + ((i + first) % 11));
  const [prompt, completion] =
    model.decoderStartTokenId === undefined
      ? [24, workload.length - 24]
      : [workload.length, workload.length - 1];
  return arrangedBatch(
    Array.from({ length: sequences }, (_, i) => arrange(model, ids(prompt, i), ids(completion, i + 1))),
  );
};

const peakOf = async (run: () => tf.Tensor[]): Promise<number> => {
  const held = tf.memory().numBytes;
  const { peakBytes } = await tf.profile(() => {
    tf.dispose(run());
    return tf.scalar(0);
  });
  return Math.max(0, peakBytes - held);
};

describe('memoryNeeds', () => {
  it.each(
    Object.entries(smallConfigs),
  )('should be what a pass and a gradient of %s take, within a factor of three', async (_, small) => {
    const config = widened(small);
    const model = createModel(config, 1);
    const needs = memoryNeeds(config, workload);
    const parameters = [...model.variables.values()].reduce((sum, { size }) => sum + 4 * size, 0);
    expect(needs.modelBytes).toBe(parameters);
    const forward = await peakOf(() =>
      tf.tidy(() => [...model.forward(batchOf(model, 8), { captureResiduals: true }).residuals]),
    );
    const estimate = needs.extractBytes - parameters;
    expect(estimate / forward, `${estimate} for ${forward}`).toBeGreaterThan(0.5);
    // Fused blocks keep less than the estimate, which is true of engines without them.
    expect(estimate / forward, `${estimate} for ${forward}`).toBeLessThan(3);
    const batch = batchOf(model, 8);
    const targets = Int32Array.from(batch.ids, (id) => (id + 1) % config.vocabularySize);
    const training = await peakOf(() => {
      const { value, grads } = valueAndGrads(
        () =>
          tf.sum(targetLogps(model.forward(batch).final, model.unembedding(), tf.tensor1d(targets, 'int32'))),
        [...model.variables.values()],
      );
      return [value, ...Object.values(grads)];
    });
    // Without the two moments, which only an optimiser makes.
    const trained = needs.dpoUnfrozenBytes - 3 * parameters;
    expect(trained / training, `${trained} for ${training}`).toBeGreaterThan(0.5);
    expect(trained / training, `${trained} for ${training}`).toBeLessThan(3);
    model.dispose();
  });

  it('should leave out gradient and moments of what is frozen', () => {
    const { llama, 'llama, untied': untied } = smallConfigs;
    if (!llama || !untied) throw new Error('these configurations are gone');
    const saved = (config: ModelConfig): number => {
      const { dpoUnfrozenBytes, dpoFrozenBytes } = memoryNeeds(config, workload);
      return dpoUnfrozenBytes - dpoFrozenBytes;
    };
    expect(saved(llama)).toBe(3 * 4 * llama.vocabularySize * llama.hiddenSize);
    expect(saved(untied)).toBe(2 * saved(llama));
  });
});
