/** Preferences and interventions on an encoder–decoder: the prompt is encoded, the decoder is steered. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EncodedPair, extractHiddenStates, readoutPositions } from '../../src/activations/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import type { LanguageModel } from '../../src/model/index.js';
import {
  collectCompletionStates,
  type Intervention,
  preferenceLogps,
  steeredLogps,
} from '../../src/steering/index.js';
import { preferencePairLogps } from '../../src/training/index.js';
import { maxDifference } from '../model/golden.js';
import { smallT5 } from '../model/small-models.js';

/** One token each; unequal lengths; a common beginning; one a beginning of the other. */
const pairs: EncodedPair[] = (
  [
    [[3, 4, 5], [7], [8]],
    [[3, 4, 5], [9, 10, 11], [8]],
    [[6], [9], [10, 11]],
    [
      [12, 13],
      [1, 4, 5, 6],
      [1, 4, 9],
    ],
    [
      [14, 15, 16, 17],
      [12, 13],
      [12, 13, 14],
    ],
  ] as const
).map(([prompt, chosen, rejected]) => ({
  prompt: Int32Array.from(prompt),
  chosen: Int32Array.from(chosen),
  rejected: Int32Array.from(rejected),
}));

let model: LanguageModel;
beforeAll(async () => {
  await startEngine('auto');
  model = smallT5();
});
afterAll(() => model.dispose());

const vector = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i + 1));

describe('preferences of an encoder–decoder', () => {
  it('should have the log-probabilities that training scores them by, and leave no tensor behind', async () => {
    const expected = await preferencePairLogps(model, pairs);
    const before = tf.memory().numTensors;
    for (const batchSize of [1, 3, 50]) {
      const logps = await preferenceLogps(model, pairs, { batchSize });
      expect(maxDifference(logps.chosen, expected.chosen)).toBeLessThan(1e-4);
      expect(maxDifference(logps.rejected, expected.rejected)).toBeLessThan(1e-4);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('should be read, and its residual streams, at the start token of the decoder', async () => {
    const states = await collectCompletionStates(model, pairs, { captureResiduals: true });
    const hidden = await extractHiddenStates(model, readoutPositions(pairs, 'prompt-last'));
    const first = pairs.map((_, index) => states.promptOf.indexOf(index));
    const atStart = first.flatMap((row) => Array.from(states.states.subarray(row * 16, (row + 1) * 16)));
    expect(maxDifference(atStart, hidden.postNorm)).toBeLessThan(2e-5);
    for (const [layer, residual] of hidden.residual.entries()) {
      expect(maxDifference(states.residual[layer] ?? [], residual)).toBeLessThan(2e-5);
    }
  });

  it('should be steered alike in the model and on its collected states', async () => {
    const steer: Intervention = { kind: 'add', at: 'postNorm', vector, lambda: 0.8, positions: 'completion' };
    const inside = await preferenceLogps(model, pairs, { interventions: [steer] });
    const states = await collectCompletionStates(model, pairs);
    const outside = await steeredLogps(states, model.unembedding(), { vectorFor: () => vector, lambda: 0.8 });
    expect(maxDifference(inside.chosen, outside.chosen)).toBeLessThan(2e-4);
    expect(maxDifference(inside.rejected, outside.rejected)).toBeLessThan(2e-4);
    // The decoder holds nothing but the start token before a completion: all positions are the completion's.
    const block: Intervention = { ...steer, at: 1 };
    const completion = await preferenceLogps(model, pairs, { interventions: [block] });
    const all = await preferenceLogps(model, pairs, { interventions: [{ ...block, positions: 'all' }] });
    expect(maxDifference(completion.chosen, all.chosen)).toBeLessThan(1e-5);
    expect(maxDifference(completion.chosen, (await preferenceLogps(model, pairs)).chosen)).toBeGreaterThan(
      1e-2,
    );
  });
});
