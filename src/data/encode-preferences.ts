import { InputError } from '../base/index.js';
import { type EncodedPreference, tryEncodePreference } from './encode-preference.js';
import type { PreferenceTuple } from './preference-tuple.js';
import type { Tokenizer } from './tokenizer.js';

/** What a limit on length did to some tuples. */
export interface LengthReport {
  /** Tokens that prompt and longer completion may have together. */
  readonly maxLength: number;
  readonly kept: number;
  /** Of those kept: prompts that lost tokens from the left. */
  readonly truncated: number;
  /** Tuples left out: a completion leaves no room for any of the prompt. */
  readonly tooLong: number;
  /** Id of the first of them. */
  readonly firstTooLong: string | null;
}

export interface EncodedPreferences {
  readonly encoded: EncodedPreference[];
  readonly report: LengthReport;
}

/**
 * Encodes tuples within a length: prompts too long are cut from the left as `encodePreference` does, tuples whose
 * completions are too long are left out, and both are counted.
 *
 * @param limit how many are wanted: those behind them are not looked at, nor counted
 * @throws InputError when a completion has no tokens, or no tuple is left of some
 */
export const encodePreferences = (
  tokenizer: Tokenizer,
  tuples: readonly PreferenceTuple[],
  {
    maxLength,
    limit = Number.POSITIVE_INFINITY,
  }: { readonly maxLength: number; readonly limit?: number | undefined },
): EncodedPreferences => {
  const encoded: EncodedPreference[] = [];
  const tooLong: string[] = [];
  for (const tuple of tuples) {
    if (encoded.length >= limit) break;
    const tried = tryEncodePreference(tokenizer, tuple, { maxLength });
    if ('tooLong' in tried) tooLong.push(tuple.id);
    else encoded.push(tried);
  }
  if (encoded.length === 0 && tuples.length > 0) {
    throw new InputError(`no preference fits in ${maxLength} tokens, of ${tuples.length}`, {
      hint: 'raise the length limit',
    });
  }
  return {
    encoded,
    report: {
      maxLength,
      kept: encoded.length,
      truncated: encoded.filter(({ truncated }) => truncated).length,
      tooLong: tooLong.length,
      firstTooLong: tooLong[0] ?? null,
    },
  };
};
