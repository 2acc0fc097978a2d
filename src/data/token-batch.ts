import { UsageError } from '../base/index.js';

/** Token sequences of unequal lengths as one right-padded block. */
export interface TokenBatch {
  /** [batch · length], row by row. */
  readonly ids: Int32Array;
  readonly batch: number;
  /** Of the longest sequence. */
  readonly length: number;
  /** [batch]: tokens of each sequence before its padding. */
  readonly lengths: Int32Array;
  /**
   * [2 · batch], of each row `fork` and `resume`: what stands from `resume` on continues the row's first `fork` tokens, not
   * what lies between, so that two continuations share their beginning. Both are `length` in a row of one sequence. Only
   * for models that say `readsForks`.
   */
  readonly forks?: Int32Array;
  /** For an encoder–decoder: what the encoder reads, while the rows here are the decoder's. */
  readonly encoder?: EncoderBatch;
}

/** Sequences for an encoder; rows of the decoder may share one, which is then run once. */
export interface EncoderBatch {
  readonly batch: Omit<TokenBatch, 'encoder' | 'forks'>;
  /** [batch of the decoder]: the encoder's sequence that each row looks at. */
  readonly sequenceOf: Int32Array;
}

/** Prompt and completion as one sequence. */
export const joinTokens = (prompt: Int32Array, completion: Int32Array): Int32Array => {
  const ids = new Int32Array(prompt.length + completion.length);
  ids.set(prompt);
  ids.set(completion, prompt.length);
  return ids;
};

/**
 * @param padId fills the rows up on the right; a causal model never looks at it
 * @throws UsageError when there is no sequence, or an empty one
 */
export const padBatch = (sequences: readonly Int32Array[], padId: number): TokenBatch => {
  if (sequences.length === 0) throw new UsageError('a batch needs at least one sequence');
  const lengths = Int32Array.from(sequences, (sequence) => sequence.length);
  const empty = lengths.indexOf(0);
  if (empty >= 0) throw new UsageError(`sequence ${empty} of the batch has no tokens`);
  const length = lengths.reduce((longest, each) => Math.max(longest, each), 0);
  const ids = new Int32Array(sequences.length * length).fill(padId);
  for (const [row, sequence] of sequences.entries()) ids.set(sequence, row * length);
  return { ids, batch: sequences.length, length, lengths };
};
