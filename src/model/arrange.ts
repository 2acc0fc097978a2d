/** Where prompts and completions go: one sequence for a decoder alone; encoder and decoder otherwise. */
import { type EncoderBatch, joinTokens, padBatch, type TokenBatch } from '../data/index.js';
import type { LanguageModel } from './language-model.js';

/** One prompt with (part of) a completion, as a model reads it. */
export interface Arrangement {
  /** The decoder's ids: prompt and completion, or the decoder's start token and the completion. */
  readonly ids: Int32Array;
  /** Ids before the completion: its token t is predicted at position promptLength − 1 + t. */
  readonly promptLength: number;
  /** What the encoder reads: the prompt. Absent for a decoder alone. */
  readonly encoder?: Int32Array;
}

/** Any model knows how it wants its tokens arranged. */
export type Arranger = Pick<LanguageModel, 'decoderStartTokenId' | 'readsForks'>;

/** Arranges a prompt and what follows it; position promptLength − 1 is about to generate. */
export const arrange = (
  { decoderStartTokenId }: Arranger,
  prompt: Int32Array,
  completion: Int32Array = new Int32Array(0),
): Arrangement =>
  decoderStartTokenId === undefined
    ? { ids: joinTokens(prompt, completion), promptLength: prompt.length }
    : { ids: joinTokens(Int32Array.of(decoderStartTokenId), completion), promptLength: 1, encoder: prompt };

const encoderBatch = (prompts: readonly Int32Array[]): EncoderBatch => {
  const distinct = new Map<string, { readonly index: number; readonly ids: Int32Array }>();
  const sequenceOf = prompts.map((ids) => {
    const key = ids.join();
    const found = distinct.get(key) ?? { index: distinct.size, ids };
    distinct.set(key, found);
    return found.index;
  });
  const batch = padBatch(
    [...distinct.values()].map(({ ids }) => ids),
    0,
  );
  return { batch, sequenceOf: Int32Array.from(sequenceOf) };
};

/**
 * Arranged sequences as one right-padded batch. Equal prompts go through the encoder once.
 *
 * @throws UsageError when there is no sequence, or an empty one
 */
export const arrangedBatch = (rows: readonly Pick<Arrangement, 'ids' | 'encoder'>[]): TokenBatch => {
  const batch = padBatch(
    rows.map(({ ids }) => ids),
    0,
  );
  const prompts = rows.flatMap(({ encoder }) => (encoder ? [encoder] : []));
  return prompts.length === 0 ? batch : { ...batch, encoder: encoderBatch(prompts) };
};
