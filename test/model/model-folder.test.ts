import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import {
  createLlama,
  hashParameters,
  type LanguageModel,
  type LlamaConfig,
  loadModel,
  loadModelConfig,
  saveModel,
} from '../../src/model/index.js';
import { openSafetensors, writeSafetensors } from '../../src/store/index.js';
import { fixturesFolder, fixturesPresent, needsFixtures, readJson } from './golden.js';
import { runModel } from './run-model.js';
import { type SyntheticTensor, withSyntheticModel } from './synthetic-weights.js';

const config: LlamaConfig = {
  architecture: 'llama',
  hiddenSize: 12,
  intermediateSize: 20,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headDim: 6,
  vocabularySize: 11,
  maxPositions: 9,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10000,
  ropeScaling: { type: 'linear', factor: 2 },
  tied: true,
  initializerRange: 0.3,
  bosTokenId: 0,
  eosTokenIds: [1, 2],
  padTokenId: undefined,
};

let folder = '';
beforeAll(async () => {
  await startEngine('auto');
  folder = await mkdtemp(join(tmpdir(), 'dsteer-model-'));
});
afterAll(() => rm(folder, { recursive: true }));

const hashes = (model: LanguageModel) => hashParameters(model, [...model.variables.keys()]);

const savedModel = async (name: string, overrides: Partial<LlamaConfig> = {}): Promise<string> => {
  const model = createLlama({ ...config, ...overrides }, 5);
  const at = join(folder, name);
  await saveModel(model, at);
  model.dispose();
  return at;
};

const editConfig = async (at: string, changes: Record<string, unknown>): Promise<void> => {
  const file = join(at, 'config.json');
  const json = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...json, ...changes }));
};

const tensorsOf = async (at: string) => {
  const file = await openSafetensors(join(at, 'model.safetensors'));
  const tensors: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
  for (const [name, { shape }] of file.tensors) tensors[name] = { shape, data: await file.read(name) };
  await file.close();
  return tensors;
};

/** Rewrites a safetensors header, whose data stay as they are but for `more` zeros at the end. */
const editHeader = async (
  file: string,
  edit: (
    header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>,
    dataBytes: number,
  ) => void,
  more = 0,
): Promise<void> => {
  const bytes = await readFile(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
  const data = bytes.subarray(8 + length);
  edit(header, data.length);
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  await writeFile(file, Buffer.concat([prefix, json, data, Buffer.alloc(more)]));
};

const appendTensor = (
  file: string,
  name: string,
  entry: { dtype: string; shape: number[] },
): Promise<void> => {
  const size = entry.shape.reduce((product, each) => product * each, 1);
  return editHeader(
    file,
    (header, end) => {
      header[name] = { ...entry, data_offsets: [end, end + size] };
    },
    size,
  );
};

const retype = (file: string, name: string, dtype: string): Promise<void> =>
  editHeader(file, (header) => {
    const entry = header[name];
    if (!entry) throw new Error(`there is no ${name}`);
    entry.dtype = dtype;
  });

const failureOf = async (at: string): Promise<InputError> => {
  const before = tf.memory().numTensors;
  const error: unknown = await loadModel(at).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  expect(tf.memory().numTensors).toBe(before);
  return error as InputError;
};

describe('saveModel and loadModel', () => {
  it.each([true, false])('should give back every bit and the configuration (tied: %s)', async (tied) => {
    const model = createLlama({ ...config, tied }, 5);
    const at = join(folder, `round-trip-${tied}`);
    await saveModel(model, at);
    const loaded = await loadModel(at);
    expect(loaded.config).toEqual(model.config);
    expect(await loadModelConfig(at)).toEqual(model.config);
    expect(await hashes(loaded)).toEqual(await hashes(model));
    expect(loaded.embeddingNames().length).toBe(tied ? 1 : 2);
    model.dispose();
    loaded.dispose();
  });

  it('should keep llama3 scaling and round to halves when asked', async () => {
    const ropeScaling = {
      type: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalPositions: 64,
    } as const;
    const model = createLlama({ ...config, ropeScaling }, 5);
    const at = join(folder, 'halves');
    await saveModel(model, at, { dtype: 'F16' });
    const loaded = await loadModel(at);
    expect(loaded.config).toEqual(model.config);
    const [original, rounded] = [await runModel(model, [[3, 4, 5]]), await runModel(loaded, [[3, 4, 5]])];
    expect(rounded.logits[2]?.[0]).not.toBe(original.logits[2]?.[0]);
    expect(rounded.logits[2]?.[0]).toBeCloseTo(original.logits[2]?.[0] ?? 0, 2);
    model.dispose();
    loaded.dispose();
  });

  it('should make equal weights from equal seeds and copy the tokenizer along', async () => {
    const [one, same, other] = [5, 5, 6].map((seed) => createLlama(config, seed)) as [
      LanguageModel,
      LanguageModel,
      LanguageModel,
    ];
    expect(await hashes(same)).toEqual(await hashes(one));
    expect(await hashes(other)).not.toEqual(await hashes(one));
    const tokenizerFolder = join(folder, 'tokenizer');
    await saveModel(one, tokenizerFolder);
    await writeFile(join(tokenizerFolder, 'tokenizer.json'), '{}');
    await saveModel(one, join(folder, 'with-tokenizer'), { tokenizerFolder });
    expect(await readFile(join(folder, 'with-tokenizer', 'tokenizer.json'), 'utf8')).toBe('{}');
    for (const model of [one, same, other]) model.dispose();
  });
});

describe('loadModel on folders that cannot be used', () => {
  it.each([
    ['another kind of model', { model_type: 'mamba' }, /"mamba" are not supported/],
    ['another head', { architectures: ['LlamaForSequenceClassification'] }, /LlamaForSequenceClassification/],
    ['another activation', { hidden_act: 'gelu' }, /hidden_act: "gelu"/],
    ['biases', { attention_bias: true }, /attention_bias: true/],
    ['quantised weights', { quantization_config: { bits: 4 } }, /quantization_config/],
    ['another RoPE', { rope_scaling: { rope_type: 'yarn', factor: 2 } }, /rope_scaling of type "yarn"/],
    ['llama3 RoPE without its numbers', { rope_scaling: { rope_type: 'llama3' } }, /rope_scaling\.low_freq/],
    ['a missing size', { hidden_size: null }, /hidden_size is null; a positive number/],
    ['heads that do not divide', { num_key_value_heads: 3 }, /num_key_value_heads is 3; a divisor of 2/],
    ['a size that the weights lack', { intermediate_size: 21 }, /has shape \[20, 12\]; .* \[21, 12\]/],
    ['more layers than the weights', { num_hidden_layers: 3 }, /lacks model\.layers\.2\.input_layernorm/],
    ['fewer layers than the weights', { num_hidden_layers: 1 }, /unknown tensors model\.layers\.1\./],
    ['no tied embeddings, and no head', { tie_word_embeddings: false }, /lacks lm_head\.weight/],
  ])('should refuse %s by name', async (what, changes, message) => {
    const at = await savedModel(`refused-${what.replaceAll(' ', '-')}`);
    await editConfig(at, changes);
    const error = await failureOf(at);
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(2);
    if ('model_type' in changes) {
      expect(error.hint).toBe('supported: llama, mistral, qwen2, gpt2, gpt_neox, t5');
    }
  });

  it('should refuse a folder without a configuration or weights, and one that is no JSON', async () => {
    expect((await failureOf(join(folder, 'nowhere'))).message).toMatch(/cannot be read/);
    const at = await savedModel('bare');
    await rm(join(at, 'model.safetensors'));
    expect((await failureOf(at)).message).toMatch(/neither model\.safetensors nor an index/);
    await writeFile(join(at, 'config.json'), '{');
    expect((await failureOf(at)).message).toMatch(/not valid JSON/);
  });

  it('should accept a stored copy of tied embeddings and refuse one that differs', async () => {
    const at = await savedModel('tied-copy');
    const tensors = await tensorsOf(at);
    const embedding = tensors['model.embed_tokens.weight'];
    if (!embedding) throw new Error('no embedding was saved');
    const file = join(at, 'model.safetensors');
    await writeSafetensors(file, { ...tensors, 'lm_head.weight': embedding });
    const model = await loadModel(at);
    expect(model.embeddingNames()).toEqual(['model.embed_tokens.weight']);
    model.dispose();
    const changed = { shape: embedding.shape, data: embedding.data.map((value) => -value) };
    await writeSafetensors(file, { ...tensors, 'lm_head.weight': changed });
    expect((await failureOf(at)).message).toMatch(
      /lm_head\.weight is model\.embed_tokens\.weight, but it differs/,
    );
  });

  it('should tell all faults of a kind at once, before any number is read', async () => {
    const at = await savedModel('several');
    const file = join(at, 'model.safetensors');
    const tensors = await tensorsOf(at);
    const gain = { shape: [12], data: new Float32Array(12) };
    const { 'model.norm.weight': _, ...lacking } = tensors;
    await writeSafetensors(file, { ...lacking, 'model.extra.weight': gain });
    expect((await failureOf(at)).message).toBe(
      'the checkpoint lacks model.norm.weight; the checkpoint has unknown tensors model.extra.weight',
    );
    const wrong = { shape: [13], data: new Float32Array(13) };
    await writeSafetensors(file, {
      ...tensors,
      'model.norm.weight': wrong,
      'model.layers.1.input_layernorm.weight': wrong,
    });
    expect((await failureOf(at)).message).toMatch(
      /"model.norm.weight" has shape \[13\]; .*\[12\].*; "model.layers.1.input_layernorm.weight"|"model.layers.1.input_layernorm.weight".*; "model.norm.weight" has shape \[13\]/,
    );
  });

  it('should refuse weights of a type it cannot read, and leave buffers of any type alone', async () => {
    const golden = readJson<{ config: unknown; tensors: SyntheticTensor[] }>(
      import.meta.dirname,
      'goldens',
      'gpt_neox.json',
    );
    await withSyntheticModel(golden, async (at) => {
      const plain = await loadModel(at);
      const mask = { dtype: 'BOOL', shape: [1, 1, 4, 4] };
      const file = join(at, 'model.safetensors');
      await appendTensor(file, 'gpt_neox.layers.0.attention.bias', mask);
      const masked = await loadModel(at);
      expect(await hashes(masked)).toEqual(await hashes(plain));
      for (const each of [plain, masked]) each.dispose();
      await retype(file, 'gpt_neox.final_layer_norm.bias', 'I32');
      expect((await failureOf(at)).message).toMatch(
        /"gpt_neox.final_layer_norm.bias" has dtype I32; .*F32, F16, BF16/,
      );
    });
  });

  it.skipIf(!fixturesPresent)(
    `should refuse an index that lies about its shards${needsFixtures}`,
    async () => {
      const at = join(folder, 'lying-index');
      await cp(join(fixturesFolder, 'models', 'llama'), at, { recursive: true });
      const index = join(at, 'model.safetensors.index.json');
      const json = JSON.parse(await readFile(index, 'utf8')) as { weight_map: Record<string, string> };
      const [first = '', other = ''] = [...new Set(Object.values(json.weight_map))];
      const moved = Object.fromEntries(
        Object.entries(json.weight_map).map(([name, shard]) => [
          name,
          name === 'model.norm.weight' ? (shard === first ? other : first) : shard,
        ]),
      );
      await rm(index, { force: true });
      await writeFile(index, JSON.stringify({ ...json, weight_map: moved }));
      expect((await failureOf(at)).message).toMatch(
        /weight_map finds "model.norm.weight" in .*does not have it/,
      );
    },
  );

  it.skipIf(!fixturesPresent)(
    `should refuse a shard that is missing or outside the folder${needsFixtures}`,
    async () => {
      const at = join(folder, 'shards');
      await cp(join(fixturesFolder, 'models', 'llama'), at, { recursive: true });
      const index = join(at, 'model.safetensors.index.json');
      const text = await readFile(index, 'utf8');
      await rm(index, { force: true });
      await writeFile(index, text.replaceAll('model-00001-of-00002', '../model-00001-of-00002'));
      expect((await failureOf(at)).message).toMatch(/no file of this folder/);
      await writeFile(`${index}.new`, text);
      await rm(index);
      await cp(`${index}.new`, index);
      await rm(join(at, 'model-00002-of-00002.safetensors'), { force: true });
      expect((await failureOf(at)).message).toMatch(/cannot open/);
    },
  );
});

describe('forward', () => {
  it('should let hooks replace the residual stream and the final state, and capture what flows on', async () => {
    const model = createLlama(config, 5);
    const plain = await runModel(model, [[3, 4, 5]]);
    const layersSeen: number[] = [];
    const steered = await runModel(model, [[3, 4, 5]], {
      transformResidual: (residual, layer) => {
        layersSeen.push(layer);
        return layer === 2 ? tf.add(residual, 1) : residual;
      },
      transformFinal: (final) => tf.mul(final, 2),
    });
    expect(layersSeen).toEqual([1, 2]);
    expect(steered.residuals[0]).toEqual(plain.residuals[0]);
    expect(steered.residuals[1]?.[2]?.[0]).toBeCloseTo((plain.residuals[1]?.[2]?.[0] ?? 0) + 1, 5);
    const doubled = await runModel(model, [[3, 4, 5]], { transformFinal: (final) => tf.mul(final, 2) });
    expect(doubled.logits[1]?.[3]).toBeCloseTo(2 * (plain.logits[1]?.[3] ?? 0), 4);
    model.dispose();
  });

  it('should refuse tokens outside the vocabulary and sequences longer than its positions', async () => {
    const model = createLlama(config, 5);
    await expect(runModel(model, [[3, 11]])).rejects.toThrow(/token id 11 is outside/);
    await expect(runModel(model, [[-1]])).rejects.toThrow(/token id -1/);
    await expect(runModel(model, [new Array(10).fill(3)])).rejects.toThrow(/10 tokens .* 9 positions/);
    model.dispose();
  });
});
