import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { createModel, hashParameters, type LanguageModel } from '../../src/model/index.js';
import { openSafetensors } from '../../src/store/index.js';
import {
  attachLora,
  type DpoConfig,
  type LoraAdapter,
  type LoraConfig,
  loadAdapter,
  preferencePairLogps,
  referenceLogps,
  saveAdapter,
  trainDpo,
  trainSft,
} from '../../src/training/index.js';
import { maxDifference } from '../model/golden.js';
import { smallConfigs } from '../model/small-models.js';
import { tokenPairs } from './preference-data.js';
import { smallModel } from './small-model.js';

const data = tokenPairs(12);
const config: DpoConfig = {
  beta: 0.1,
  learningRate: 1e-2,
  epochs: 4,
  batchSize: 6,
  warmupSteps: 0,
  schedule: 'constant',
  maxGradNorm: 1,
  weightDecay: 0,
  embeddings: 'frozen',
};
const lora: LoraConfig = { rank: 2, alpha: 8 };

/** Fills every tensor of an adapter with numbers of about `size`. */
const scramble = ({ variables }: LoraAdapter, seed: number, size = 0.2): void => {
  for (const [name, variable] of variables) {
    const random = createRandom(seed).fork(name);
    const values = tf.tensor(
      Float32Array.from({ length: variable.size }, () => size * random.normal()),
      variable.shape,
    );
    variable.assign(values);
    values.dispose();
  }
};

const logpsOf = async (model: LanguageModel): Promise<number[]> => {
  const { chosen, rejected } = await preferencePairLogps(model, data);
  return [...chosen, ...rejected];
};

const allHashes = (model: LanguageModel): Promise<Record<string, string>> =>
  hashParameters(model, [...model.variables.keys()]);

let folder = '';
beforeAll(async () => {
  await startEngine('auto');
  folder = await mkdtemp(join(tmpdir(), 'dsteer-lora-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(Object.entries(smallConfigs))('attachLora on %s', (_, modelConfig) => {
  it('should change nothing until trained, and compute what merged weights do, for any rank and target', async () => {
    const names = [...createModelNames(modelConfig)];
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          rank: fc.integer({ min: 1, max: 5 }),
          alpha: fc.integer({ min: 1, max: 16 }),
          targetModules: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
          seed: fc.integer({ min: 0, max: 1000 }),
        }),
        async ({ seed, ...drawn }) => {
          const model = createModel(modelConfig, 7);
          const plain = await logpsOf(model);
          const adapter = attachLora(model, drawn, seed);
          expect(await logpsOf(model)).toEqual(plain);
          scramble(adapter, seed);
          const adaptedLogps = await logpsOf(model);
          expect(maxDifference(adaptedLogps, plain)).toBeGreaterThan(1e-3);
          adapter.merge();
          // Two float32 roads to one map; log-probabilities here are of the order of 10.
          expect(maxDifference(await logpsOf(model), adaptedLogps)).toBeLessThan(2e-4);
          model.dispose();
        },
      ),
      { numRuns: 4 },
    );
  });

  it('should begin DPO at ln 2, learn through the adapter alone, and be read back from its folder', async () => {
    const model = createModel(modelConfig, 7);
    const weights = await allHashes(model);
    const reference = await referenceLogps(model, data);
    const adapter = attachLora(model, lora, 5);
    const { metrics } = await trainDpo(
      model,
      data,
      reference,
      { ...config, epochs: 12 },
      { seed: 3, adapter },
    );
    expect(metrics[0]?.loss).toBeCloseTo(Math.LN2, 5);
    expect(metrics.at(-1)?.loss).toBeLessThan(0.66);
    expect(await allHashes(model)).toEqual(weights);
    const trained = await logpsOf(model);
    const home = join(folder, String(modelConfig.architecture) + modelConfig.tied);
    await saveAdapter(adapter, model, home);
    adapter.dispose();
    expect(maxDifference(await logpsOf(model), trained)).toBeGreaterThan(1e-2);
    const again = await loadAdapter(model, home);
    expect(await logpsOf(model)).toEqual(trained);
    again.dispose();
    model.dispose();
  });
});

/** Ends of the names of all maps that an architecture has. */
function createModelNames(modelConfig: (typeof smallConfigs)[string]): Set<string> {
  const model = createModel(modelConfig, 1);
  const embeddings = model.embeddingNames();
  const names = [...model.variables]
    .filter(([name, { rank }]) => rank === 2 && !embeddings.includes(name))
    .map(([name]) => name.split('.').at(-2) ?? '');
  model.dispose();
  return new Set(names);
}

describe('attachLora', () => {
  it('should draw A as PEFT does, within ±1/√in, and equal for equal seeds', async () => {
    const model = smallModel();
    const values = async (seed: number): Promise<number[]> => {
      const adapter = attachLora(model, { rank: 8, alpha: 8, targetModules: ['up_proj'] }, seed);
      const a = adapter.variables.get('base_model.model.model.layers.0.mlp.up_proj.lora_A.weight');
      const numbers = [...((await a?.data()) ?? [])];
      adapter.dispose();
      return numbers;
    };
    const [first, second, other] = [await values(1), await values(1), await values(2)];
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
    expect(first.length).toBe(8 * 16);
    expect(Math.max(...first.map(Math.abs))).toBeLessThanOrEqual(0.25);
    expect(Math.max(...first.map(Math.abs))).toBeGreaterThan(0.24);
    expect(Math.abs(first.reduce((sum, value) => sum + value, 0) / first.length)).toBeLessThan(0.05);
    model.dispose();
  });

  it('should drop inputs of A in training alone, by the seed: each token its own, the mean kept', async () => {
    const model = smallModel();
    const plain = await logpsOf(model);
    const adapter = attachLora(model, { rank: 4, alpha: 4, dropout: 0.5 }, 1);
    scramble(adapter, 9, 0.05);
    const whole = await logpsOf(model);
    adapter.dropBy('a');
    const dropped = await logpsOf(model);
    expect(await logpsOf(model)).toEqual(dropped);
    expect(dropped).not.toEqual(whole);
    const mean = new Float64Array(plain.length);
    const draws = 100;
    for (let draw = 0; draw < draws; draw++) {
      adapter.dropBy(`draw ${draw}`);
      for (const [i, value] of (await logpsOf(model)).entries()) mean[i] = (mean[i] ?? 0) + value / draws;
    }
    // To first order in a small adapter the mean over masks is the adapter without dropout.
    const moved = maxDifference(whole, plain);
    expect(maxDifference(mean, whole)).toBeLessThan(moved / 3);
    adapter.dropBy(undefined);
    expect(await logpsOf(model)).toEqual(whole);
    adapter.dispose();
    model.dispose();
  });

  it('should train the same bytes for the same seed with dropout, and others for another', async () => {
    const runs: Record<string, string>[] = [];
    for (const seed of [3, 3, 4]) {
      const model = smallModel();
      const examples = data.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
      const before = await allHashes(model);
      await trainSft(model, examples, { ...config, lora: { ...lora, dropout: 0.3 } }, { seed });
      const after = await allHashes(model);
      // Merged at the end: the adapted modules changed, and nothing else.
      for (const name of Object.keys(before)) {
        expect(after[name] !== before[name], name).toBe(/[qv]_proj/.test(name));
      }
      runs.push(after);
      model.dispose();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
  });

  it('should free all that it made, whichever way it ends', async () => {
    const model = smallModel();
    await logpsOf(model);
    const before = tf.memory().numTensors;
    attachLora(model, lora, 1).dispose();
    attachLora(model, lora, 1).merge();
    const reference = await referenceLogps(model, data);
    await trainDpo(model, data, reference, { ...config, lora: { ...lora, dropout: 0.2 } }, { seed: 1 });
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  it('should refuse targets that the model does not have, settings out of range, and unfrozen embeddings', async () => {
    const model = smallModel();
    const attach = (overrides: Partial<LoraConfig>) => () => attachLora(model, { ...lora, ...overrides }, 1);
    expect(attach({ targetModules: ['c_attn'] })).toThrow(/called c_attn/);
    expect(attach({ targetModules: ['embed_tokens'] })).toThrow(/called embed_tokens/);
    expect(attach({ rank: 0 })).toThrow(/rank 0/);
    expect(attach({ dropout: 1 })).toThrow(/dropout 1/);
    const reference = await referenceLogps(model, data);
    const unfrozen = { ...config, lora, embeddings: 'unfrozen' } as const;
    await expect(trainDpo(model, data, reference, unfrozen, { seed: 1 })).rejects.toThrow(/unfreeze/);
    model.dispose();
  });
});

describe('saveAdapter and loadAdapter', () => {
  it("should write PEFT's names, shapes and fields", async () => {
    const model = smallModel();
    const adapter = attachLora(
      model,
      { rank: 3, alpha: 6, dropout: 0.1, targetModules: ['k_proj', 'down_proj'] },
      1,
    );
    const home = join(folder, 'names');
    await saveAdapter(adapter, model, home, { baseModel: 'some/base' });
    adapter.dispose();
    model.dispose();
    const { tensors, metadata, close } = await openSafetensors(join(home, 'adapter_model.safetensors'));
    await close();
    expect(metadata).toEqual({ format: 'pt' });
    const shapes = Object.fromEntries(
      [...tensors].map(([name, { shape, dtype }]) => [name, [dtype, ...shape]]),
    );
    const prefix = (layer: number): string => `base_model.model.model.layers.${layer}.`;
    expect(shapes).toEqual(
      Object.fromEntries(
        [0, 1].flatMap((layer) => [
          [`${prefix(layer)}self_attn.k_proj.lora_A.weight`, ['F32', 3, 16]],
          [`${prefix(layer)}self_attn.k_proj.lora_B.weight`, ['F32', 8, 3]],
          [`${prefix(layer)}mlp.down_proj.lora_A.weight`, ['F32', 3, 24]],
          [`${prefix(layer)}mlp.down_proj.lora_B.weight`, ['F32', 16, 3]],
        ]),
      ),
    );
    const json = JSON.parse(await readFile(join(home, 'adapter_config.json'), 'utf8'));
    expect(json).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: 'some/base',
      r: 3,
      lora_alpha: 6,
      lora_dropout: 0.1,
      target_modules: ['k_proj', 'down_proj'],
      bias: 'none',
      fan_in_fan_out: false,
      inference_mode: true,
      modules_to_save: null,
    });
  });

  it('should say of GPT-2 that its weights are stored [in, out], and of T5 that it is an encoder–decoder', async () => {
    for (const [name, expected] of [
      ['gpt2', { fan_in_fan_out: true, task_type: 'CAUSAL_LM', target_modules: ['c_attn'] }],
      ['t5 v1.0', { fan_in_fan_out: false, task_type: 'SEQ_2_SEQ_LM', target_modules: ['q', 'v'] }],
    ] as const) {
      const modelConfig = smallConfigs[name];
      if (modelConfig === undefined) throw new Error(`no configuration ${name}`);
      const model = createModel(modelConfig, 1);
      const adapter = attachLora(model, lora, 1);
      const home = join(folder, `fields ${name}`);
      await saveAdapter(adapter, model, home);
      expect(JSON.parse(await readFile(join(home, 'adapter_config.json'), 'utf8'))).toMatchObject(expected);
      model.dispose();
      adapter.dispose();
    }
  });

  it('should scale a rank-stabilised adapter by alpha/√rank, and refuse what it cannot compute', async () => {
    const model = smallModel();
    const adapter = attachLora(model, { rank: 4, alpha: 6 }, 1);
    const home = join(folder, 'variants');
    await saveAdapter(adapter, model, home);
    adapter.dispose();
    const file = join(home, 'adapter_config.json');
    const original = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const loadWith = async (changes: Record<string, unknown>): Promise<LoraAdapter> => {
      await writeFile(file, JSON.stringify({ ...original, ...changes }));
      return loadAdapter(model, home);
    };
    const stabilised = await loadWith({ use_rslora: true });
    expect(stabilised.config.alpha / stabilised.config.rank).toBeCloseTo(6 / Math.sqrt(4), 12);
    stabilised.dispose();
    const tensors = tf.memory().numTensors;
    for (const [changes, message] of [
      [{ use_dora: true }, /use_dora/],
      [{ bias: 'all' }, /bias/],
      [{ peft_type: 'IA3' }, /peft_type/],
      [{ rank_pattern: { q_proj: 2 } }, /rank_pattern/],
      [{ modules_to_save: ['lm_head'] }, /modules_to_save/],
      [{ r: 5 }, /has shape \[4, 16\]; this model and rank ask for \[5, 16\]/],
      [{ target_modules: ['q_proj'] }, /v_proj.*belongs nowhere/],
      [{ target_modules: ['q_proj', 'v_proj', 'k_proj'] }, /lacks .*k_proj/],
      [{ target_modules: ['c_attn'] }, /does not fit the model/],
    ] as const) {
      await expect(loadWith(changes)).rejects.toThrow(message);
    }
    expect(tf.memory().numTensors).toBe(tensors);
    model.dispose();
  });
});
