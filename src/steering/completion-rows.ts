/** Which positions of which sequences score a preference: pure bookkeeping, no tensors. */
import type { EncodedPair } from '../activations/index.js';
import { InputError } from '../base/index.js';
import { type Arrangement, type Arranger, arrange } from '../model/index.js';

/** Marks a row that does not predict a token of that completion. */
export const noTarget = -1;

/** One hidden state that predicts a token of the chosen completion, of the rejected one, or of both. */
export interface CompletionRow {
  readonly promptIndex: number;
  /** Token id, or `noTarget`. */
  readonly chosenTarget: number;
  readonly rejectedTarget: number;
}

/** A sequence to run, without its last token: nothing is read there. */
export interface CompletionSequence extends Arrangement {
  readonly promptIndex: number;
  /** Index of the row read at position promptLength − 1 + k is `rows[k]`; −1 where it is read elsewhere. */
  readonly rows: readonly number[];
}

export interface CompletionPlan {
  readonly rows: readonly CompletionRow[];
  readonly sequences: readonly CompletionSequence[];
}

const commonPrefix = (a: Int32Array, b: Int32Array): number => {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
};

/**
 * Rows and sequences of preference pairs. As long as the completions agree, and at the first token in which they
 * differ, both are predicted from one hidden state: it is read once, and a completion that has no other is not run.
 * So pairs of one-token completions cost one pass over the prompt alone.
 *
 * @throws InputError for an empty prompt or completion
 */
export const planCompletions = (model: Arranger, encoded: readonly EncodedPair[]): CompletionPlan => {
  const rows: CompletionRow[] = [];
  const sequences: CompletionSequence[] = [];
  encoded.forEach(({ prompt, chosen, rejected }, promptIndex) => {
    if (prompt.length === 0) throw new InputError(`preference ${promptIndex} has an empty prompt`);
    if (chosen.length === 0 || rejected.length === 0) {
      throw new InputError(`preference ${promptIndex} has an empty completion`);
    }
    const shared = Math.min(commonPrefix(chosen, rejected) + 1, chosen.length, rejected.length);
    const sharedRows = Array.from({ length: shared }, (_, k) => {
      const row = {
        promptIndex,
        chosenTarget: chosen[k] ?? noTarget,
        rejectedTarget: rejected[k] ?? noTarget,
      };
      return rows.push(row) - 1;
    });
    const addSequence = (completion: Int32Array, isChosen: boolean, readsShared: boolean): void => {
      const own = Array.from(completion.subarray(shared), (target) => {
        const row = {
          promptIndex,
          chosenTarget: isChosen ? target : noTarget,
          rejectedTarget: isChosen ? noTarget : target,
        };
        return rows.push(row) - 1;
      });
      sequences.push({
        promptIndex,
        ...arrange(model, prompt, completion.subarray(0, -1)),
        rows: [...sharedRows.map((row) => (readsShared ? row : -1)), ...own],
      });
    };
    const chosenIsLonger = chosen.length > shared;
    const rejectedIsLonger = rejected.length > shared;
    if (chosenIsLonger || !rejectedIsLonger) addSequence(chosen, true, true);
    if (rejectedIsLonger) addSequence(rejected, false, !chosenIsLonger);
  });
  return { rows, sequences };
};
