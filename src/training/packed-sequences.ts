/** Prompts with completions as one batch, of which only the positions that predict completion tokens are unembedded. */
import { UsageError } from '../base/index.js';
import { joinTokens, type TokenBatch } from '../data/index.js';
import { gatherRows, targetLogps, tf } from '../engine/index.js';
import {
  type Arrangement,
  type Arranger,
  arrange,
  arrangedBatch,
  type ForwardOptions,
  type LanguageModel,
} from '../model/index.js';

export interface TokenSequence {
  readonly prompt: Int32Array;
  readonly completion: Int32Array;
}

export interface PackedSequences {
  readonly batch: TokenBatch;
  /** Of each row of the batch, in the decoder's ids where there is an encoder. */
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

const realTokens = ({ lengths }: Pick<TokenBatch, 'lengths'>): number =>
  lengths.reduce((sum, length) => sum + length, 0);

const isPrefix = (short: Int32Array, long: Int32Array): boolean =>
  short.length <= long.length && short.every((id, i) => long[i] === id);

interface Row extends Arrangement {
  readonly prompt: Int32Array;
  /** The row's second sequence goes on at `resume` from the first `at` tokens. */
  readonly fork?: { readonly at: number; readonly resume: number };
}

const commonLength = (a: Int32Array, b: Int32Array): number => {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
};

/**
 * Both sequences in one row that forks where they part, or undefined where that would not pay: a longer row costs
 * attention what it saves elsewhere unless the two share enough.
 */
const forkRows = (first: Row, second: Row): Row | undefined => {
  if (first.fork !== undefined || first.promptLength !== second.promptLength) return undefined;
  const at = commonLength(first.ids, second.ids);
  const longest = Math.max(first.ids.length, second.ids.length);
  if (at < first.promptLength || 3 * at < longest) return undefined;
  const fork = { at, resume: first.ids.length };
  return { ...first, ids: joinTokens(first.ids, second.ids.subarray(at)), fork };
};

/** Whether one of two rows begins with all that the other has, so that a causal decoder can serve both in one. */
const share = (a: Row, b: Row): boolean =>
  a.promptLength === b.promptLength &&
  (isPrefix(a.ids, b.ids) || isPrefix(b.ids, a.ids)) &&
  (a.encoder === undefined || (a.prompt.length === b.prompt.length && isPrefix(a.prompt, b.prompt)));

const withForks = (batch: TokenBatch, rows: readonly Row[]): TokenBatch => {
  if (rows.every(({ fork }) => fork === undefined)) return batch;
  const { length } = batch;
  return {
    ...batch,
    forks: Int32Array.from(rows.flatMap(({ fork }) => [fork?.at ?? length, fork?.resume ?? length])),
  };
};

/**
 * Packs sequences for one forward pass of `model`, as it reads them: the last token is only predicted. A sequence whose
 * input is a prefix of its neighbour's (or the reverse) shares its row, since a causal model gives both the same states:
 * two one-token completions of one prompt cost one row. Where the model reads forks, two neighbours that begin with the
 * same prompt share it in a row that forks. Of an encoder–decoder, equal prompts are encoded once.
 *
 * @throws UsageError for an empty prompt or completion: its first token would have no position to be predicted from
 */
export const packSequences = (sequences: readonly TokenSequence[], model: Arranger): PackedSequences => {
  const rows: Row[] = [];
  const placed: { readonly row: number; readonly second: boolean }[] = [];
  for (const [index, { prompt, completion }] of sequences.entries()) {
    if (prompt.length === 0 || completion.length === 0) {
      const part = prompt.length === 0 ? 'prompt' : 'completion';
      throw new UsageError(`sequence ${index} has an empty ${part}`, {
        hint: 'a prompt needs at least one token, if only the beginning-of-sequence one',
      });
    }
    const row = { ...arrange(model, prompt, completion.subarray(0, -1)), prompt };
    const last = rows.at(-1);
    const shared = last !== undefined && last.fork === undefined && share(last, row);
    const forked = last && !shared && model.readsForks ? forkRows(last, row) : undefined;
    if (forked !== undefined) rows[rows.length - 1] = forked;
    else if (!shared) rows.push(row);
    else if (row.ids.length > last.ids.length) rows[rows.length - 1] = row;
    placed.push({ row: rows.length - 1, second: forked !== undefined });
  }
  const batch = withForks(arrangedBatch(rows), rows);
  const predictors: number[] = [];
  const targets: number[] = [];
  const owners: number[] = [];
  for (const [index, { completion }] of sequences.entries()) {
    const { row = 0, second = false } = placed[index] ?? {};
    const { promptLength = 1, fork } = rows[row] ?? {};
    for (const [t, token] of completion.entries()) {
      const position = promptLength - 1 + t;
      const column = second && fork && position >= fork.at ? position - fork.at + fork.resume : position;
      predictors.push(row * batch.length + column);
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
    tokens: realTokens(batch) + (batch.encoder ? realTokens(batch.encoder.batch) : 0),
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
