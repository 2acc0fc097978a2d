/** A real pretrained model, from text to text. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/data/index.js';
import { startEngine } from '../../src/engine/index.js';
import { generate, type LanguageModel, loadModel } from '../../src/model/index.js';
import { availableEngines } from './engines.js';
import { maxDifference, needsStories, readJson, storiesFolder, storiesPresent } from './golden.js';
import { nextTokenLogps, runModel } from './run-model.js';

interface StoriesGolden {
  readonly prompt: string;
  readonly prompt_ids: number[];
  readonly logits_last: number[];
  readonly hidden_states_last_position: number[][];
  readonly greedy_ids_100_new: number[];
  readonly greedy_text: string;
  readonly story: string;
  readonly story_ids: number[];
  readonly story_token_logprobs: number[];
  readonly story_mean_nll: number;
}

const tolerance = 1e-4;

const meanLoss = async (model: LanguageModel, ids: readonly number[]): Promise<number> => {
  const logps = await nextTokenLogps(model, ids);
  return -logps.reduce((sum, logp) => sum + logp, 0) / logps.length;
};

describe.each(availableEngines)('stories260K on the engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  it.skipIf(!storiesPresent)(
    `should give the reference's states and log-probabilities${needsStories}`,
    async () => {
      const model = await loadModel(storiesFolder);
      const golden = readJson<StoriesGolden>(storiesFolder, 'golden.json');
      const { logits, final, residuals, length } = await runModel(model, [golden.prompt_ids]);
      // Stored with six decimals; logits reach 10 and activations 40.
      expect(maxDifference(logits[length - 1] ?? [], golden.logits_last)).toBeLessThan(tolerance);
      const states = [
        ...residuals.slice(0, -1).map((residual) => residual[length - 1] ?? []),
        final[length - 1] ?? [],
      ];
      for (const [i, state] of states.entries()) {
        expect(maxDifference(state, golden.hidden_states_last_position[i + 1] ?? [])).toBeLessThan(tolerance);
      }
      const logps = await nextTokenLogps(model, golden.story_ids);
      expect(maxDifference(logps, golden.story_token_logprobs)).toBeLessThan(tolerance);
      model.dispose();
    },
  );

  it.skipIf(!storiesPresent)(
    `should encode, continue and score as its provenance says${needsStories}`,
    async () => {
      const [model, tokenizer] = [await loadModel(storiesFolder), await loadTokenizer(storiesFolder)];
      const golden = readJson<StoriesGolden>(storiesFolder, 'golden.json');
      const prompt = tokenizer.encodeWithSpecials('Once upon a time');
      expect([...prompt]).toEqual([1, 403, 407, 261, 378]);
      expect([...tokenizer.encodeWithSpecials(golden.story)]).toEqual(golden.story_ids);
      const [tokens = new Int32Array()] = await generate(model, [prompt], { maxNewTokens: 100 });
      const all = [...prompt, ...tokens];
      expect(all).toEqual(golden.greedy_ids_100_new);
      expect(tokenizer.decode(all.slice(1))).toBe(golden.greedy_text);
      // PROVENANCE.md prints one token more than the 90 that its loss is of.
      expect(tokenizer.decode(all.slice(1, prompt.length + 91))).toBe(
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.\nLily's mom said, \"Lily, let's go to the park.\" Lily was sad and didn'",
      );
      // PROVENANCE.md gives three digits.
      expect(await meanLoss(model, all.slice(0, prompt.length + 90))).toBeCloseTo(0.472, 3);
      expect(await meanLoss(model, all)).toBeCloseTo(0.438, 3);
      expect(await meanLoss(model, golden.story_ids)).toBeCloseTo(golden.story_mean_nll, 5);
      model.dispose();
    },
  );
});
