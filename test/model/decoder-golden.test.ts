/** Decoders alone against other implementations: PyTorch's fixtures, and committed goldens where there is no fixture. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { batchFromMasked } from '../../src/data/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import {
  generate,
  inverseFrequencies,
  type LanguageModel,
  loadModel,
  loadModelConfig,
} from '../../src/model/index.js';
import { availableEngines } from './engines.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures, readJson } from './golden.js';
import { type ModelStates, nextTokenLogps, runBatch, runModel } from './run-model.js';
import { type SyntheticTensor, withSyntheticModel } from './synthetic-weights.js';

interface Oracle {
  readonly input_ids: number[][];
  readonly last_real_index: number[];
  readonly logits: { seq: number; pos: number; values: number[] }[];
  readonly resid_post_last: number[][][];
  readonly final_norm_last: number[][];
  readonly token_logps: number[][];
  readonly sum_logp: number[];
}

interface Expected {
  readonly batch: Oracle;
  readonly single: Oracle;
  readonly generate: { prompt: number[]; new_tokens: number[] };
}

interface Golden extends Expected {
  readonly config: unknown;
  readonly tensors: readonly SyntheticTensor[];
}

// The fixtures' README measures 8e-6 (logits) and 1.2e-5 (residual) for Hugging Face in float32, and asks for 1e-4; taking
// erf for tanh in GELU moves the logits by 1e-3.
const tolerance = 1e-4;

const fixtures = ['llama', 'llama3_scaled', 'mistral', 'gpt2', 'gpt2_hub'];
const goldens = ['gpt_neox', 'gpt_neox_sequential', 'qwen2', 'llama_linear'];

const withModel = async (
  name: string,
  use: (model: LanguageModel, expected: Expected, folder: string) => Promise<void>,
): Promise<void> => {
  const run = async (folder: string, expected: Expected): Promise<void> => {
    const model = await loadModel(folder);
    try {
      await use(model, expected, folder);
    } finally {
      model.dispose();
    }
  };
  if (fixtures.includes(name)) {
    const folder = join(fixturesFolder, 'models', name);
    await run(folder, readJson<Expected>(folder, 'expected.json'));
  } else {
    const golden = readJson<Golden>(import.meta.dirname, 'goldens', `${name}.json`);
    await withSyntheticModel(golden, (folder) => run(folder, golden));
  }
};

const realSequences = ({ input_ids, last_real_index }: Oracle): number[][] =>
  input_ids.map((ids, i) => ids.slice(0, (last_real_index[i] ?? 0) + 1));

/** `rowOf` finds position t of sequence b among the states' rows. */
const expectStates = (
  { logits, final, residuals }: ModelStates,
  oracle: Oracle,
  rowOf: (sequence: number, position: number) => number,
): void => {
  for (const { seq, pos, values } of oracle.logits) {
    expect(maxDifference(logits[rowOf(seq, pos)] ?? [], values)).toBeLessThan(tolerance);
  }
  for (const [seq, last] of oracle.last_real_index.entries()) {
    const row = rowOf(seq, last);
    expect(maxDifference(final[row] ?? [], oracle.final_norm_last[seq] ?? [])).toBeLessThan(tolerance);
    const layers = oracle.resid_post_last[seq] ?? [];
    expect(layers.length).toBe(residuals.length);
    for (const [layer, expected] of layers.entries()) {
      expect(maxDifference(residuals[layer]?.[row] ?? [], expected)).toBeLessThan(tolerance);
    }
  }
};

const compareStates = async (model: LanguageModel, oracle: Oracle): Promise<void> => {
  const states = await runModel(model, realSequences(oracle));
  expectStates(states, oracle, (sequence, position) => sequence * states.length + position);
};

const names = [...fixtures, ...goldens];
const isHere = (name: string): boolean => fixturesPresent || goldens.includes(name);

describe.each(availableEngines)('on the engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  describe.each(names)('%s', (name) => {
    const reason = fixtures.includes(name) ? needsFixtures : '';

    it.skipIf(!isHere(name))(
      `should give PyTorch's logits, residual streams, final states and log-probabilities${reason}`,
      () =>
        withModel(name, async (model, { batch, single }) => {
          await compareStates(model, batch);
          await compareStates(model, single);
          for (const oracle of [batch, single]) {
            for (const [i, ids] of realSequences(oracle).entries()) {
              const logps = await nextTokenLogps(model, ids);
              expect(maxDifference(logps, oracle.token_logps[i] ?? [])).toBeLessThan(tolerance);
              expect(logps.reduce((sum, logp) => sum + logp, 0)).toBeCloseTo(oracle.sum_logp[i] ?? 0, 3);
            }
          }
        }),
    );

    it.skipIf(!isHere(name))(
      `should not care which side is padded, with what, nor which sequences share a batch${reason}`,
      () =>
        withModel(name, async (model, { batch, single }) => {
          const sequences = realSequences(batch);
          const longest = Math.max(...sequences.map(({ length }) => length)) + 3;
          for (const side of ['left', 'right'] as const) {
            const pad = <T>(values: readonly T[], filler: T): T[] => {
              const padding = new Array<T>(longest - values.length).fill(filler);
              return side === 'left' ? [...padding, ...values] : [...values, ...padding];
            };
            const ids = sequences.map((sequence, i) => pad(sequence, 7 + i));
            const mask = sequences.map((sequence) =>
              pad(
                sequence.map(() => 1),
                0,
              ),
            );
            const masked = batchFromMasked(ids, mask);
            const states = await runBatch(model, masked.batch);
            expect([...masked.starts]).toEqual(mask.map((row) => row.indexOf(1)));
            expectStates(states, batch, (sequence, position) => sequence * masked.batch.length + position);
          }
          // The same sequences again, one by one, and all in one batch with a longer one between them.
          const [middle = []] = realSequences(single);
          const mixed = await runModel(model, [...sequences, middle, ...sequences]);
          expectStates(mixed, batch, (sequence, position) => sequence * mixed.length + position);
          expectStates(mixed, batch, (sequence, position) => (sequence + 3) * mixed.length + position);
          expectStates(mixed, single, (_, position) => 2 * mixed.length + position);
        }),
    );

    it.skipIf(!isHere(name))(`should continue greedily as PyTorch does, from its cache${reason}`, () =>
      withModel(name, async (model, { generate: expected }) => {
        const prompt = Int32Array.from(expected.prompt);
        const before = tf.memory().numTensors;
        const rule = { maxNewTokens: expected.new_tokens.length, eosTokenIds: [] };
        const [tokens, fromShorter] = await generate(model, [prompt, prompt.slice(0, 2)], rule);
        expect([...(tokens ?? [])]).toEqual(expected.new_tokens);
        const [alone] = await generate(model, [prompt.slice(0, 2)], rule);
        expect(fromShorter).toEqual(alone);
        // Where there are rotary tables, they stay with the model.
        expect(tf.memory().numTensors - before).toBe(name.startsWith('gpt2') ? 0 : 2);
      }),
    );
  });
});

describe('the fixture mistral', () => {
  it.skipIf(!fixturesPresent)(`should see everything where its window is null${needsFixtures}`, async () => {
    await startEngine('auto');
    const folder = join(fixturesFolder, 'models', 'mistral');
    const at = await mkdtemp(join(tmpdir(), 'dsteer-mistral-'));
    try {
      const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
      await cp(join(folder, 'model.safetensors'), join(at, 'model.safetensors'));
      await writeFile(join(at, 'config.json'), JSON.stringify({ ...config, sliding_window: null }));
      const model = await loadModel(at);
      const { no_sliding_window: expected } = readJson<{
        no_sliding_window: { input_ids: number[][]; pos: number; logits: number[] };
      }>(folder, 'expected.json');
      const { logits } = await runModel(model, expected.input_ids);
      expect(maxDifference(logits[expected.pos] ?? [], expected.logits)).toBeLessThan(tolerance);
      model.dispose();
      const windowed = await loadModel(folder);
      const limited = await runModel(windowed, expected.input_ids);
      expect(maxDifference(limited.logits[expected.pos] ?? [], expected.logits)).toBeGreaterThan(0.01);
      windowed.dispose();
    } finally {
      await rm(at, { recursive: true });
    }
  });
});

describe('the fixture llama3_scaled', () => {
  it.skipIf(!fixturesPresent)(`should turn by PyTorch's frequencies${needsFixtures}`, async () => {
    const folder = join(fixturesFolder, 'models', 'llama3_scaled');
    const config = await loadModelConfig(folder);
    if (config.architecture !== 'llama') throw new Error(`this is a ${config.architecture}`);
    const { inv_freq } = readJson<{ inv_freq: number[] }>(folder, 'expected.json');
    expect(
      maxDifference(inverseFrequencies({ ...config, rotaryDim: config.headDim }), inv_freq),
    ).toBeLessThan(1e-9);
  });
});
