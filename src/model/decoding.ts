/** Decoding token by token: with a model's cache where it has one, else by running every prefix again. */
import { InputError } from '../base/index.js';
import { joinTokens, type TokenBatch } from '../data/index.js';
import { gatherRows, tf } from '../engine/index.js';
import { type Arrangement, arrange, arrangedBatch } from './arrange.js';
import type { ForwardOptions, LanguageModel } from './language-model.js';

/** Sequences under way, one row each. Tensors it returns belong to the caller; those it keeps are its own. */
export interface Decoding {
  /**
   * Puts one token after each sequence and gives the final hidden state there: [batch, d]. Hooks are called with a batch
   * of these tokens alone, one position a row.
   *
   * @throws InputError for a token outside the vocabulary, or past the model's last position
   */
  step(tokens: Int32Array, options?: ForwardOptions): tf.Tensor2D;
  /** Goes on with these rows alone, in this order. */
  keep(rows: readonly number[]): void;
  /** Frees what it keeps. */
  dispose(): void;
}

export interface DecodingStart {
  /** The final hidden state at each sequence's last token: [batch, d]. The caller disposes it. */
  readonly final: tf.Tensor2D;
  readonly decoding: Decoding;
}

/** Hooks for a pass, told how many positions of each row come before those that predict new tokens. */
export type HooksFor = (promptLengths: readonly number[]) => ForwardOptions;

/** The final hidden state at the last real position of each row of a right-padded batch: [batch, d]. */
export const lastPositions = (final: tf.Tensor2D, { lengths, length }: TokenBatch): tf.Tensor2D =>
  gatherRows(
    final,
    tf.tensor1d(
      Int32Array.from(lengths, (own, row) => row * length + own - 1),
      'int32',
    ),
  );

/** A batch of one token a sequence. */
export const oneTokenEach = (ids: Int32Array): TokenBatch => ({
  ids,
  batch: ids.length,
  length: 1,
  lengths: new Int32Array(ids.length).fill(1),
});

/** Steps of a generation: as `Decoding`, with the hooks for each pass found by the pass's own prompt lengths. */
export interface Steps {
  readonly final: tf.Tensor2D;
  step(tokens: Int32Array): tf.Tensor2D;
  keep(rows: readonly number[]): void;
  dispose(): void;
}

const cachedSteps = (
  start: NonNullable<LanguageModel['startDecoding']>,
  rows: readonly Arrangement[],
  hooksFor: HooksFor,
): Steps => {
  const { final, decoding } = start(
    arrangedBatch(rows),
    hooksFor(rows.map(({ promptLength }) => promptLength)),
  );
  return {
    final,
    // The new token predicts a new token: it is the last position of what its pass takes for a prompt.
    step: (tokens) => decoding.step(tokens, hooksFor(Array.from(tokens, () => 1))),
    keep: decoding.keep,
    dispose: decoding.dispose,
  };
};

const wholePrefixSteps = (
  model: LanguageModel,
  prompts: readonly Arrangement[],
  hooksFor: HooksFor,
): Steps => {
  let rows = [...prompts];
  const run = (): tf.Tensor2D =>
    tf.tidy(() => {
      const batch = arrangedBatch(rows);
      const hooks = hooksFor(rows.map(({ promptLength }) => promptLength));
      return lastPositions(model.forward(batch, hooks).final, batch);
    });
  return {
    final: run(),
    step: (tokens) => {
      rows = rows.map((row, i) => ({ ...row, ids: joinTokens(row.ids, tokens.subarray(i, i + 1)) }));
      return run();
    },
    keep: (kept) => {
      rows = kept.flatMap((row) => rows[row] ?? []);
    },
    dispose: () => undefined,
  };
};

/**
 * Runs the prompts and readies them for one token after another.
 *
 * @throws InputError for an empty prompt, one with more tokens than the model has positions, or unknown token ids
 */
export const startSteps = (
  model: LanguageModel,
  prompts: readonly Int32Array[],
  hooksFor: HooksFor,
): Steps => {
  if (prompts.some((prompt) => prompt.length === 0)) throw new InputError('a prompt has no tokens');
  const rows = prompts.map((prompt) => arrange(model, prompt));
  const start = model.startDecoding?.bind(model);
  return start ? cachedSteps(start, rows, hooksFor) : wholePrefixSteps(model, rows, hooksFor);
};
