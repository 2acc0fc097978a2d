/** What holds of a model of any architecture. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linear, startEngine, targetLogps, tf, valueAndGrads } from '../../src/engine/index.js';
import {
  arrange,
  arrangedBatch,
  countParameters,
  createModel,
  type ForwardOptions,
  hashParameters,
  type LanguageModel,
  loadModel,
  saveModel,
  untieEmbeddings,
} from '../../src/model/index.js';
import { openSafetensors, writeSafetensors } from '../../src/store/index.js';
import { smallModel } from '../training/small-model.js';
import { availableEngines } from './engines.js';
import { maxDifference } from './golden.js';
import { smallConfigs, smallT5 } from './small-models.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-architectures-'));
});
afterAll(() => rm(folder, { recursive: true }));

const prompt = Int32Array.of(0, 5, 9, 4);
const completion = Int32Array.of(7, 3, 11);

const logitsOf = async (model: LanguageModel, options: ForwardOptions = {}): Promise<Float32Array> => {
  const logits = tf.tidy(() => {
    const { final } = model.forward(arrangedBatch([arrange(model, prompt, completion)]), options);
    return linear(final, model.unembedding());
  });
  const values = await logits.data<'float32'>();
  logits.dispose();
  return values;
};

const hashes = (model: LanguageModel) => hashParameters(model, [...model.variables.keys()]);

describe.each(Object.entries(smallConfigs))('%s', (name, config) => {
  beforeAll(() => startEngine('auto'));

  it('should come back from disk with every bit, and compute the same', async () => {
    const model = createModel(config, 3);
    const at = join(folder, name);
    await saveModel(model, at);
    const loaded = await loadModel(at);
    expect(loaded.config).toEqual(config);
    expect(await hashes(loaded)).toEqual(await hashes(model));
    expect(await logitsOf(loaded)).toEqual(await logitsOf(model));
    const copy = model.clone();
    model.dispose();
    expect(await logitsOf(copy)).toEqual(await logitsOf(loaded));
    for (const each of [copy, loaded]) each.dispose();
  });

  it('should be made by its seed, count its numbers, and name its embeddings', async () => {
    const [one, same, other] = [createModel(config, 3), createModel(config, 3), createModel(config, 4)];
    expect(await hashes(same)).toEqual(await hashes(one));
    expect(await hashes(other)).not.toEqual(await hashes(one));
    const sizes = [...one.variables.values()].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(countParameters(one)).toBe(sizes.reduce((a, b) => a + b, 0));
    const embeddings = one.embeddingNames();
    expect(new Set(embeddings).size).toBe(embeddings.length);
    for (const each of embeddings) expect(one.variables.has(each)).toBe(true);
    expect(embeddings).toContain(one.embeddingName);
    expect(embeddings).toContain(one.unembeddingName);
    expect(one.unembeddingName === one.embeddingName).toBe(config.tied);
    expect(one.unembedding()).toBe(one.variables.get(one.unembeddingName));
    for (const each of [one, same, other]) each.dispose();
  });

  it('should compute the same with embeddings untied, which then move apart', async () => {
    const model = createModel(config, 3);
    const untied = untieEmbeddings(model);
    expect(untied.tied).toBe(false);
    expect(untied.config.tied).toBe(false);
    expect(untied.unembeddingName).not.toBe(untied.embeddingName);
    expect(maxDifference(await logitsOf(untied), await logitsOf(model))).toBeLessThan(1e-5);
    const embedding = untied.variables.get(untied.embeddingName);
    tf.tidy(() => embedding?.assign(tf.zeros(embedding.shape)));
    expect(maxDifference(await untied.unembedding().data(), new Float32Array(320))).toBeGreaterThan(0.01);
    const at = join(folder, `${name}, then untied`);
    await saveModel(untied, at);
    const loaded = await loadModel(at);
    expect(loaded.config).toEqual(untied.config);
    expect(await hashes(loaded)).toEqual(await hashes(untied));
    for (const each of [model, untied, loaded]) each.dispose();
  });

  it('should let hooks replace what flows between blocks and what W_U reads', async () => {
    const model = createModel(config, 3);
    const layersSeen: number[] = [];
    const plain = await logitsOf(model);
    const steered = await logitsOf(model, {
      transformResidual: (residual, layer) => {
        layersSeen.push(layer);
        // Not a shift of all dimensions alike: a LayerNorm would take it out again.
        return layer === 1 ? (tf.mul(residual, tf.linspace(0, 2, 16)) as tf.Tensor2D) : residual;
      },
    });
    expect(layersSeen).toEqual([1, 2]);
    expect(maxDifference(steered, plain)).toBeGreaterThan(1e-3);
    const doubled = await logitsOf(model, { transformFinal: (final) => tf.mul(final, 2) });
    expect(
      maxDifference(
        doubled,
        Float32Array.from(plain, (value) => 2 * value),
      ),
    ).toBeLessThan(1e-5);
    const last = tf.tidy(() => {
      const batch = arrangedBatch([arrange(model, prompt, completion)]);
      const { final, residuals } = model.forward(batch, { captureResiduals: true });
      expect(residuals.length).toBe(model.layers);
      return tf.max(tf.abs(tf.sub(model.finalNorm(residuals.at(-1) ?? final), final)));
    });
    expect((await last.data())[0]).toBe(0);
    last.dispose();
    model.dispose();
  });
});

describe.each(availableEngines)('on the engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  it.each(
    Object.entries(smallConfigs),
  )('should give every parameter of %s its gradient', async (_, config) => {
    const model = createModel(config, 3);
    const batch = arrangedBatch([
      arrange(model, prompt, completion),
      arrange(model, prompt, completion.subarray(0, 1)),
      arrange(model, prompt.subarray(0, 2), completion),
    ]);
    const targets = Int32Array.from(batch.ids, (id) => (id + 1) % config.vocabularySize);
    const loss = (): tf.Scalar =>
      tf.sum(targetLogps(model.forward(batch).final, model.unembedding(), tf.tensor1d(targets, 'int32')));
    const { value, grads } = valueAndGrads(loss, [...model.variables.values()]);
    value.dispose();
    for (const [name, variable] of model.variables) {
      const gradient = grads[variable.name];
      if (!gradient) throw new Error(`${name} has no gradient`);
      // Along its own gradient a loss rises by the gradient's norm: float32 leaves three digits of the difference.
      const norm = tf.tidy(() => tf.norm(gradient));
      const [size = 0] = await norm.data();
      const original = variable.clone();
      const at = async (step: number): Promise<number> => {
        tf.tidy(() => variable.assign(tf.add(original, tf.mul(gradient, step / size))));
        const moved = tf.tidy(loss);
        const [result = Number.NaN] = await moved.data();
        moved.dispose();
        return result;
      };
      const step = 4e-3;
      const slope = ((await at(step)) - (await at(-step))) / (2 * step);
      expect(Math.abs(slope - size), `${name}: ${slope} and ${size}`).toBeLessThan(0.02 * size + 0.02);
      tf.tidy(() => variable.assign(tf.mul(original, 1)));
      tf.dispose([norm, original]);
    }
    tf.dispose(grads);
    model.dispose();
  });
});

describe('embeddingNames', () => {
  const bias = (stack: string): string =>
    `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`;

  it.each([
    ['llama', ['model.embed_tokens.weight']],
    ['llama, untied', ['model.embed_tokens.weight', 'lm_head.weight']],
    ['mistral', ['model.embed_tokens.weight']],
    ['gpt_neox', ['gpt_neox.embed_in.weight']],
    ['gpt_neox, sequential, untied', ['gpt_neox.embed_in.weight', 'embed_out.weight']],
    ['gpt2', ['transformer.wte.weight', 'transformer.wpe.weight']],
    ['gpt2, untied', ['transformer.wte.weight', 'transformer.wpe.weight', 'lm_head.weight']],
    ['t5 v1.0', ['shared.weight', bias('encoder'), bias('decoder')]],
    ['t5 v1.1, untied', ['shared.weight', bias('encoder'), bias('decoder'), 'lm_head.weight']],
  ])('of %s should be those of tokens and positions, and W_U', async (name, expected) => {
    await startEngine('auto');
    const config = smallConfigs[name];
    if (!config) throw new Error(`there is no configuration ${name}`);
    const model = createModel(config, 1);
    expect(model.embeddingNames()).toEqual(expected);
    model.dispose();
  });
});

describe('checkpoints of T5', () => {
  it('may store the embeddings thrice and a bias that no one reads, but not other embeddings', async () => {
    await startEngine('auto');
    const model = smallT5();
    const at = join(folder, 't5-copies');
    await saveModel(model, at);
    const file = await openSafetensors(join(at, 'model.safetensors'));
    const tensors: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
    for (const [name, { shape }] of file.tensors) tensors[name] = { shape, data: await file.read(name) };
    await file.close();
    const { 'shared.weight': shared } = tensors;
    if (!shared) throw new Error('no embedding was saved');
    const more = {
      ...tensors,
      'encoder.embed_tokens.weight': shared,
      'decoder.embed_tokens.weight': shared,
      'lm_head.weight': shared,
      'decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight': {
        shape: [8, 2],
        data: new Float32Array(16),
      },
    };
    await writeSafetensors(join(at, 'model.safetensors'), more);
    const loaded = await loadModel(at);
    expect(await hashes(loaded)).toEqual(await hashes(model));
    const other = { shape: shared.shape, data: shared.data.map((value) => value + 1) };
    await writeSafetensors(join(at, 'model.safetensors'), { ...more, 'decoder.embed_tokens.weight': other });
    await expect(loadModel(at)).rejects.toThrow(
      /decoder\.embed_tokens\.weight is shared\.weight, but it differs/,
    );
    for (const each of [model, loaded]) each.dispose();
  });
});

describe('what an encoder–decoder and a decoder alone refuse', () => {
  it('should be a batch arranged for the other', async () => {
    await startEngine('auto');
    const [t5, llama] = [smallT5(), smallModel()];
    const [forT5, forLlama] = [t5, llama].map((model) => arrangedBatch([arrange(model, prompt)]));
    if (!forT5 || !forLlama) throw new Error('nothing was arranged');
    expect(() => tf.tidy(() => t5.forward(forLlama).final)).toThrow(/something for its encoder/);
    expect(() => tf.tidy(() => llama.forward(forT5).final)).toThrow(/the model has none/);
    const strange = { ...forT5, encoder: { batch: forLlama, sequenceOf: Int32Array.of(1) } };
    expect(() => tf.tidy(() => t5.forward(strange).final)).toThrow(/cannot look at/);
    for (const each of [t5, llama]) each.dispose();
  });
});
