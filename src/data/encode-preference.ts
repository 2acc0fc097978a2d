import { InputError } from '../base/index.js';
import type { PreferenceTuple } from './preference-tuple.js';
import { bosBefore, type Tokenizer } from './tokenizer.js';

/** A preference tuple as token ids. */
export interface EncodedPreference {
  readonly id: string;
  readonly source: string;
  /** Led by the tokenizer's BOS where it has one; an encoder's ends as its tokenizer ends a text. */
  readonly prompt: Int32Array;
  readonly chosen: Int32Array;
  readonly rejected: Int32Array;
  /** Tokens were dropped from the left of the prompt, behind BOS and cue, to fit `maxLength`. */
  readonly truncated: boolean;
  /** The part of a mixture it belongs to. */
  readonly population?: string;
}

const startsWith = (ids: Int32Array, prefix: Int32Array): boolean =>
  ids.length >= prefix.length && prefix.every((id, index) => ids[index] === id);

/**
 * The ids a completion adds to its prompt. Both are encoded together, since some tokenizers mark the start of a text;
 * where a token would straddle the seam, the completion is encoded alone, so that both completions keep one prompt.
 */
const completionIds = (tokenizer: Tokenizer, prompt: string, promptIds: Int32Array, completion: string) => {
  const together = tokenizer.encode(prompt + completion);
  return startsWith(together, promptIds) ? together.slice(promptIds.length) : tokenizer.encode(completion);
};

/** How many tokens at the front of a prompt hold its cue, the first token behind it too where the two are one. */
const cueLength = (tokenizer: Tokenizer, promptIds: Int32Array, cue: string): number => {
  const alone = tokenizer.encode(cue);
  if (startsWith(promptIds, alone)) return alone.length;
  const wanted = cue.trim();
  let length = 1;
  while (
    length < promptIds.length &&
    !tokenizer.decode(promptIds.subarray(0, length)).trimStart().startsWith(wanted)
  ) {
    length++;
  }
  return length;
};

/** A completion so long that no token of the prompt would fit before it. */
export interface TooLong {
  /** Tokens of the longer completion. */
  readonly tooLong: number;
}

/** As `encodePreference`, but a completion that leaves no room for the prompt is told instead of thrown. */
export const tryEncodePreference = (
  tokenizer: Tokenizer,
  tuple: PreferenceTuple,
  { maxLength }: { maxLength: number },
): EncodedPreference | TooLong => {
  const promptIds = tokenizer.encode(tuple.prompt);
  const chosen = completionIds(tokenizer, tuple.prompt, promptIds, tuple.chosen);
  const rejected = completionIds(tokenizer, tuple.prompt, promptIds, tuple.rejected);
  for (const [side, ids] of Object.entries({ chosen, rejected })) {
    if (ids.length === 0)
      throw new InputError(`preference ${tuple.id}: the ${side} completion has no tokens`);
  }
  const spelt = tokenizer.bosId !== undefined && promptIds[0] === tokenizer.bosId;
  const bos = bosBefore(tokenizer, promptIds);
  const fixed = tuple.cue === undefined ? Number(spelt) : cueLength(tokenizer, promptIds, tuple.cue);
  const longest = Math.max(chosen.length, rejected.length);
  const { promptEnd = [] } = tokenizer;
  const room = maxLength - longest - bos.length - promptEnd.length;
  if (room < Math.min(promptIds.length, fixed + 1)) {
    return { tooLong: longest };
  }
  if (bos.length + promptIds.length === 0) {
    throw new InputError(
      `preference ${tuple.id}: the prompt is empty and the tokenizer has no BOS to stand for it`,
    );
  }
  const truncated = promptIds.length > room;
  const kept = truncated
    ? [...promptIds.subarray(0, fixed), ...promptIds.subarray(promptIds.length - (room - fixed))]
    : promptIds;
  return {
    id: tuple.id,
    source: tuple.source,
    prompt: Int32Array.from([...bos, ...kept, ...promptEnd]),
    chosen,
    rejected,
    truncated,
    ...(tuple.population === undefined ? {} : { population: tuple.population }),
  };
};

/**
 * A prompt too long loses tokens from the left, but keeps BOS and cue: without its cue it could not be told which part
 * of a mixture it belongs to.
 *
 * @param maxLength tokens that prompt and longer completion may have together
 * @throws InputError when a completion has no tokens, or leaves no room for the prompt
 */
export const encodePreference = (
  tokenizer: Tokenizer,
  tuple: PreferenceTuple,
  options: { maxLength: number },
): EncodedPreference => {
  const encoded = tryEncodePreference(tokenizer, tuple, options);
  if (!('tooLong' in encoded)) return encoded;
  throw new InputError(
    `preference ${tuple.id}: a completion of ${encoded.tooLong} tokens leaves no room for its prompt in ${options.maxLength}`,
    { hint: 'raise the length limit, or leave such tuples out' },
  );
};
