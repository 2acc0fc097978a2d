import { InputError } from '../base/index.js';
import { joinTokens } from '../data/index.js';

/**
 * The token position at which hidden states are read: `prompt-last` is the last prompt token (about to generate),
 * `response-last` the last token of prompt and response together.
 */
export type Readout = 'prompt-last' | 'response-last';

export const readouts: readonly Readout[] = ['prompt-last', 'response-last'];

/** One token sequence and the position in it that is read. */
export interface ReadItem {
  /** Prompt and response as one sequence; the decoder's own ids where `encoder` is given. */
  readonly ids: Int32Array;
  /** Counted from 0; a real token, never padding. */
  readonly position: number;
  /**
   * How many of `ids` are the prompt; default all. An encoder–decoder reads them in its encoder, and its start token
   * stands for the last of them in its decoder.
   */
  readonly promptLength?: number;
  /** What the encoder of an encoder–decoder reads, where `ids` are what its decoder reads. */
  readonly encoder?: Int32Array;
}

/** A prompt with its two completions, as token ids. */
export interface EncodedPair {
  readonly prompt: Int32Array;
  readonly chosen: Int32Array;
  readonly rejected: Int32Array;
}

/**
 * What to read for one prompt and, with `response-last`, its response.
 *
 * @throws InputError when there is no token at the readout
 */
export const readItem = (prompt: Int32Array, readout: Readout, response?: Int32Array): ReadItem => {
  if (prompt.length === 0) throw new InputError('the prompt has no tokens, so no position can be read');
  if (readout === 'prompt-last') return { ids: prompt, position: prompt.length - 1 };
  if (response === undefined || response.length === 0) {
    throw new InputError('the readout response-last needs a response of at least one token', {
      hint: 'give a response, or read at prompt-last',
    });
  }
  const ids = joinTokens(prompt, response);
  return { ids, position: ids.length - 1, promptLength: prompt.length };
};

/**
 * The items to read for preference pairs. `prompt-last` leaves the completions out: later tokens cannot change it.
 *
 * @param completion which completion is the response at `response-last`; default `chosen`
 */
export const readoutPositions = (
  encoded: readonly EncodedPair[],
  readout: Readout,
  completion: 'chosen' | 'rejected' = 'chosen',
): ReadItem[] => encoded.map((pair) => readItem(pair.prompt, readout, pair[completion]));
