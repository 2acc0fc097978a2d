import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { type LanguageModel, loadModel } from '../../src/model/index.js';
import { availableEngines } from './engines.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures, readJson } from './golden.js';
import { nextTokenLogps, runModel } from './run-model.js';

interface Oracle {
  readonly input_ids: number[][];
  readonly last_real_index: number[];
  readonly logits: { seq: number; pos: number; values: number[] }[];
  readonly resid_post_last: number[][][];
  readonly final_norm_last: number[][];
  readonly token_logps: number[][];
}

interface Expected {
  readonly batch: Oracle;
  readonly single: Oracle;
  readonly generate: { prompt: number[]; new_tokens: number[] };
}

// Taking erf for tanh in GELU moves the logits by 1e-3 (the fixtures' README); float32 by less than 1e-5.
const tolerance = 1e-4;

const sequencesOf = ({ input_ids, last_real_index }: Oracle): number[][] =>
  input_ids.map((ids, i) => ids.slice(0, (last_real_index[i] ?? 0) + 1));

const compare = async (model: LanguageModel, oracle: Oracle): Promise<void> => {
  const { length, logits, final, residuals } = await runModel(model, sequencesOf(oracle));
  for (const { seq, pos, values } of oracle.logits) {
    expect(maxDifference(logits[seq * length + pos] ?? [], values)).toBeLessThan(tolerance);
  }
  for (const [seq, last] of oracle.last_real_index.entries()) {
    const row = seq * length + last;
    expect(maxDifference(final[row] ?? [], oracle.final_norm_last[seq] ?? [])).toBeLessThan(tolerance);
    const layers = oracle.resid_post_last[seq] ?? [];
    expect(layers.length).toBe(model.layers);
    for (const [layer, expected] of layers.entries()) {
      expect(maxDifference(residuals[layer]?.[row] ?? [], expected)).toBeLessThan(tolerance);
    }
  }
  for (const [i, ids] of sequencesOf(oracle).entries()) {
    const logps = await nextTokenLogps(model, ids);
    expect(maxDifference(logps, oracle.token_logps[i] ?? [])).toBeLessThan(tolerance);
  }
};

describe.each(availableEngines)('on the engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  // One with `transformer.` before its names and F16, one without, with masks to be ignored.
  describe.each(['gpt2', 'gpt2_hub'])('the fixture %s', (name) => {
    const folder = join(fixturesFolder, 'models', name);

    it.skipIf(!fixturesPresent)(
      `should give PyTorch's logits, residual streams, final states and log-probabilities${needsFixtures}`,
      async () => {
        const model = await loadModel(folder);
        const { batch, single, generate } = readJson<Expected>(folder, 'expected.json');
        await compare(model, batch);
        await compare(model, single);
        const all = [...generate.prompt, ...generate.new_tokens];
        const { logits } = await runModel(model, [all]);
        const greedy = generate.new_tokens.map((_, i) => {
          const row = logits[generate.prompt.length - 1 + i] ?? [];
          return row.indexOf(Math.max(...row));
        });
        expect(greedy).toEqual(generate.new_tokens);
        model.dispose();
      },
    );
  });
});
