/** Sequences padded elsewhere, on either side, as batches here. */
import { UsageError } from '../base/index.js';
import { padBatch, type TokenBatch } from './token-batch.js';

export interface MaskedBatch {
  /** The real tokens alone, padded on the right. */
  readonly batch: TokenBatch;
  /** [sequences]: column of each one's first real token; column starts[b] + t is position t of sequence b. */
  readonly starts: Int32Array;
}

/**
 * A batch from ids with their attention mask, as Hugging Face's tokenizers give them: 1 for a token, 0 for padding, which
 * may stand on the left or on the right. Positions count from the first real token, so neither side changes a result.
 *
 * @throws UsageError for a mask of another shape, one that is not 0 and 1, with a gap between tokens, or without any
 */
export const batchFromMasked = (
  inputIds: readonly ArrayLike<number>[],
  attentionMask: readonly ArrayLike<number>[],
): MaskedBatch => {
  if (attentionMask.length !== inputIds.length) {
    throw new UsageError(`${inputIds.length} sequences have ${attentionMask.length} rows of attention mask`);
  }
  const starts = new Int32Array(inputIds.length);
  const sequences = inputIds.map((ids, row) => {
    const mask = Array.from(attentionMask[row] ?? []);
    if (mask.length !== ids.length || mask.some((value) => value !== 0 && value !== 1)) {
      throw new UsageError(`the attention mask of sequence ${row} must be ${ids.length} times 0 or 1`);
    }
    const [first, last] = [mask.indexOf(1), mask.lastIndexOf(1)];
    if (first < 0) throw new UsageError(`sequence ${row} has no tokens that its attention mask lets through`);
    if (mask.slice(first, last).includes(0)) {
      throw new UsageError(`sequence ${row} has padding between its tokens`, {
        hint: 'only padding before the first token or after the last one can be left out',
      });
    }
    starts[row] = first;
    return Int32Array.from(Array.from(ids).slice(first, last + 1));
  });
  return { batch: padBatch(sequences, 0), starts };
};
