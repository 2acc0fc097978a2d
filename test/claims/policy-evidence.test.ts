import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extractHiddenStates, readoutPositions } from '../../src/activations/index.js';
import { silentProgress } from '../../src/base/index.js';
import { collectPolicyEvidence } from '../../src/claims/evidence/policy-evidence.js';
import type { EncodedPreference } from '../../src/data/index.js';
import { startEngine } from '../../src/engine/index.js';
import type { LanguageModel } from '../../src/model/index.js';
import { preferencePairLogps } from '../../src/training/index.js';
import { createTinyLlama, randomTokens } from '../activations/tiny-llama.js';
import { maxDifference } from '../model/golden.js';

/** Prompts of unequal lengths; completions of one and of several tokens, also with a common beginning. */
const prompts: EncodedPreference[] = Array.from({ length: 20 }, (_, index) => ({
  id: String(index),
  source: String(index),
  prompt: randomTokens(1 + (index % 7), `prompt ${index}`),
  chosen: Int32Array.from({ length: 1 + (index % 3) }, (_, i) => 2 + i),
  rejected: Int32Array.from({ length: 1 + (index % 2) }, (_, i) => (index % 5 === 0 && i === 0 ? 2 : 20 + i)),
  truncated: false,
})).filter(({ chosen, rejected }) => chosen.join() !== rejected.join());

let model: LanguageModel;
beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
});
afterAll(() => model.dispose());

describe.each(['prompt-last', 'response-last'] as const)('evidence read at %s', (readout) => {
  it('holds the hidden states that a pass of its own reads', async () => {
    const { hidden } = await collectPolicyEvidence(model, prompts, readout, silentProgress);
    const own = await extractHiddenStates(model, readoutPositions(prompts, readout));
    expect(hidden.n).toBe(prompts.length);
    expect(hidden.layers).toBe(own.layers);
    expect(maxDifference(hidden.postNorm, own.postNorm)).toBeLessThan(1e-5);
    own.residual.forEach((stream, layer) => {
      expect(maxDifference(hidden.residual[layer] ?? [], stream)).toBeLessThan(1e-5);
    });
  });

  it("holds the margins of the trainer's log-probabilities", async () => {
    const { margins } = await collectPolicyEvidence(model, prompts, readout, silentProgress);
    const { chosen, rejected } = await preferencePairLogps(model, prompts);
    expect(
      maxDifference(
        margins,
        chosen.map((logp, i) => logp - (rejected[i] ?? Number.NaN)),
      ),
    ).toBeLessThan(1e-4);
  });
});
