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
}

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
