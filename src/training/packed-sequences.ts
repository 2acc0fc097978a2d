/** Prompts with completions as one batch, of which only the positions that predict completion tokens are unembedded. */
import { UsageError } from '../base/index.js';
import { padBatch, type TokenBatch } from '../data/index.js';
import { gatherRows, targetLogps, tf } from '../engine/index.js';
import type { ForwardOptions, LanguageModel } from '../model/index.js';

export interface TokenSequence {
  readonly prompt: Int32Array;
  readonly completion: Int32Array;
}

export interface PackedSequences {
  readonly batch: TokenBatch;
  /** Of each row of the batch. */
  readonly promptLengths: readonly number[];
  /** How many sequences were packed; there may be fewer rows. */
  readonly count: number;
  /** For each completion token: the row of [batch·length] that predicts it … */
  readonly predictors: Int32Array;
  /** … the token itself … */
  readonly targets: Int32Array;
  /** … and the sequence that it belongs to. */
  readonly owners: Int32Array;
  /** Tokens run through the model, without padding. */
  readonly tokens: number;
}

const isPrefix = (short: Int32Array, long: Int32Array): boolean =>
  short.length <= long.length && short.every((id, i) => long[i] === id);

/** What the model reads: everything but the last token, which is only predicted. */
const inputOf = ({ prompt, completion }: TokenSequence): Int32Array => {
  const input = new Int32Array(prompt.length + completion.length - 1);
  input.set(prompt);
  input.set(completion.subarray(0, -1), prompt.length);
  return input;
};

/**
 * Packs sequences for one forward pass. A sequence whose input is a prefix of its neighbour's (or the reverse) shares its
 * row, since a causal model gives both the same states: two one-token completions of one prompt cost one row.
 *
 * @throws UsageError for an empty prompt or completion: its first token would have no position to be predicted from
 */
export const packSequences = (sequences: readonly TokenSequence[]): PackedSequences => {
  const rows: { input: Int32Array; promptLength: number }[] = [];
  const rowOf: number[] = [];
  for (const [index, sequence] of sequences.entries()) {
    if (sequence.prompt.length === 0 || sequence.completion.length === 0) {
      const part = sequence.prompt.length === 0 ? 'prompt' : 'completion';
      throw new UsageError(`sequence ${index} has an empty ${part}`, {
        hint: 'a prompt needs at least one token, if only the beginning-of-sequence one',
      });
    }
    const input = inputOf(sequence);
    const last = rows.at(-1);
    const samePrompt = last?.promptLength === sequence.prompt.length;
    if (last && samePrompt && (isPrefix(input, last.input) || isPrefix(last.input, input))) {
      if (input.length > last.input.length) last.input = input;
    } else {
      rows.push({ input, promptLength: sequence.prompt.length });
    }
    rowOf.push(rows.length - 1);
  }
  const batch = padBatch(
    rows.map(({ input }) => input),
    0,
  );
  const predictors: number[] = [];
  const targets: number[] = [];
  const owners: number[] = [];
  for (const [index, { prompt, completion }] of sequences.entries()) {
    for (const [t, token] of completion.entries()) {
      predictors.push((rowOf[index] ?? 0) * batch.length + prompt.length - 1 + t);
      targets.push(token);
      owners.push(index);
    }
  }
  return {
    batch,
    promptLengths: rows.map(({ promptLength }) => promptLength),
    count: sequences.length,
    predictors: Int32Array.from(predictors),
    targets: Int32Array.from(targets),
    owners: Int32Array.from(owners),
    tokens: batch.lengths.reduce((sum, length) => sum + length, 0),
  };
};

/** log p of each completion token, in the order of `targets`: [tokens]. Differentiable. */
export const packedTokenLogps = (
  model: LanguageModel,
  { batch, predictors, targets }: PackedSequences,
  options: ForwardOptions = {},
): tf.Tensor1D => {
  const { final } = model.forward(batch, options);
  const hidden = gatherRows(final, tf.tensor1d(predictors, 'int32'));
  return targetLogps(hidden, model.unembedding(), tf.tensor1d(targets, 'int32'));
};

/** Summed log p of each completion: [count]. Differentiable; a product, since not every engine can add by segment. */
export const packedSequenceLogps = (
  model: LanguageModel,
  packed: PackedSequences,
  options: ForwardOptions = {},
): tf.Tensor1D => {
  const { owners, count } = packed;
  const membership = new Float32Array(count * owners.length);
  for (const [token, owner] of owners.entries()) membership[owner * owners.length + token] = 1;
  const tokenLogps = packedTokenLogps(model, packed, options);
  const sums = tf.matMul(
    tf.tensor2d(membership, [count, owners.length]),
    tf.reshape(tokenLogps, [owners.length, 1]),
  );
  return tf.reshape(sums, [count]) as tf.Tensor1D;
};
