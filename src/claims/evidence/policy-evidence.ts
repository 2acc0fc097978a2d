/** What is read out of one policy on the held-out prompts: hidden states, completion states, log-probabilities. */
import {
  extractHiddenStates,
  type HiddenStates,
  type Readout,
  readoutPositions,
} from '../../activations/index.js';
import type { Progress } from '../../base/index.js';
import type { EncodedPreference } from '../../data/index.js';
import type { LanguageModel } from '../../model/index.js';
import { type CompletionStates, collectCompletionStates, steeredMargins } from '../../steering/index.js';

export interface PolicyEvidence {
  readonly model: LanguageModel;
  /** At the experiment's readout. */
  readonly hidden: HiddenStates;
  /** At every position that predicts a completion token. */
  readonly completions: CompletionStates;
  /** log π(y_w) − log π(y_l) of each prompt. */
  readonly margins: Float64Array;
}

/**
 * The hidden states that the completion states hold: at the last prompt token, where both completions are predicted from
 * one state. One pass over the prompts serves both.
 */
const promptLastStates = ({
  states,
  residual,
  promptOf,
  prompts,
  hiddenSize,
}: CompletionStates): HiddenStates => {
  const postNorm = new Float32Array(prompts * hiddenSize);
  // Rows of a pair are in order of position, so the first is the one at the prompt's end.
  for (let row = promptOf.length - 1; row >= 0; row--) {
    postNorm.set(
      states.subarray(row * hiddenSize, (row + 1) * hiddenSize),
      (promptOf[row] ?? 0) * hiddenSize,
    );
  }
  return { residual: [...residual], postNorm, n: prompts, hiddenSize, layers: residual.length };
};

/** Reads a model on `prompts`; it stays the caller's to dispose. */
export const collectPolicyEvidence = async (
  model: LanguageModel,
  prompts: readonly EncodedPreference[],
  readout: Readout,
  progress: Progress,
): Promise<PolicyEvidence> => {
  const atPromptEnd = readout === 'prompt-last';
  const completions = await collectCompletionStates(model, prompts, {
    progress,
    captureResiduals: atPromptEnd,
  });
  const hidden = atPromptEnd
    ? promptLastStates(completions)
    : await extractHiddenStates(model, readoutPositions(prompts, readout), { progress });
  const margins = await steeredMargins(completions, model.unembedding());
  return { model, hidden, completions, margins };
};
