import { promptHash } from './duplicates.js';
import { type EncodedPreference, tryEncodePreference } from './encode-preference.js';
import type { PreferenceTuple } from './preference-tuple.js';
import { type PreferenceReport, type ReadPreferencesOptions, visitPreferences } from './read-preferences.js';
import type { Tokenizer } from './tokenizer.js';

export interface LengthSummary {
  readonly mean: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** Lengths of the three texts of each pair kept. */
export type TupleLengths = Readonly<Record<'prompt' | 'chosen' | 'rejected', LengthSummary>>;

export interface PreferenceInspection {
  readonly report: PreferenceReport;
  /** Documents that the pairs kept come from. */
  readonly sources: number;
  /** Prompts that differ, white space aside. */
  readonly prompts: number;
  readonly characters: TupleLengths | null;
  /** Where there is a tokenizer; prompts with their BOS. */
  readonly tokens: TupleLengths | null;
  /** Where there is a limit: prompts that would be cut from the left, and pairs whose completions leave no room for one. */
  readonly limit: {
    readonly maxLength: number;
    readonly truncated: number;
    readonly tooLong: number;
  } | null;
  /** Where there is another file: pairs whose prompt is in it too, and the first of their ids. */
  readonly shared: {
    readonly file: string;
    readonly pairs: number;
    readonly firstId: string | null;
  } | null;
  readonly examples: readonly Pick<PreferenceTuple, 'id' | 'prompt' | 'chosen' | 'rejected'>[];
}

export interface InspectOptions extends ReadPreferencesOptions {
  readonly tokenizer?: Tokenizer;
  /** Tokens that prompt and longer completion may have together; needs a tokenizer. */
  readonly maxLength?: number;
  /** Another file of preferences, such as the held-out side. */
  readonly against?: string;
  /** Pairs given as examples, the first ones. Default 3. */
  readonly examples?: number;
}

const sides = ['prompt', 'chosen', 'rejected'] as const;

/** Lengths as they come, summed up at the end. */
class Lengths {
  readonly #of = { prompt: [], chosen: [], rejected: [] } as Record<(typeof sides)[number], number[]>;

  add(lengths: Readonly<Record<(typeof sides)[number], number>>): void {
    for (const side of sides) this.#of[side].push(lengths[side]);
  }

  summary(): TupleLengths | null {
    return this.#of.prompt.length === 0
      ? null
      : {
          prompt: summaryOf(this.#of.prompt),
          chosen: summaryOf(this.#of.chosen),
          rejected: summaryOf(this.#of.rejected),
        };
  }
}

/** The nearest rank: the smallest value that at least this share of the values do not exceed. */
const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;

const summaryOf = (values: readonly number[]): LengthSummary => {
  const sorted = Float64Array.from(values).sort();
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    max: sorted.at(-1) ?? 0,
  };
};

/** Code points, so that a character outside the basic plane counts once. */
const charactersOf = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

const promptHashes = async (
  file: string,
  { renderChat }: Pick<ReadPreferencesOptions, 'renderChat'>,
): Promise<Set<string>> => {
  const hashes = new Set<string>();
  await visitPreferences(
    file,
    (tuple) => hashes.add(promptHash(tuple)),
    renderChat === undefined ? {} : { renderChat },
  );
  return hashes;
};

/** Tokens of a pair, and what a limit would do to it. */
const measureTokens = (
  tokenizer: Tokenizer,
  tuple: PreferenceTuple,
  maxLength: number | undefined,
): { encoded: EncodedPreference; truncated: boolean; tooLong: boolean } => {
  const encoded = tryEncodePreference(tokenizer, tuple, { maxLength: Number.MAX_SAFE_INTEGER });
  if ('tooLong' in encoded) throw new RangeError(`a completion of ${encoded.tooLong} tokens`);
  const limited = maxLength === undefined ? encoded : tryEncodePreference(tokenizer, tuple, { maxLength });
  const tooLong = 'tooLong' in limited;
  return { encoded, truncated: !tooLong && limited.truncated, tooLong };
};

/**
 * What a file of preferences holds: counts, drops by reason, lengths, duplicates, a few pairs. The file is read once, as a
 * stream; a few numbers a pair are held.
 *
 * @throws InputError as `visitPreferences` does
 */
export const inspectPreferences = async (
  file: string,
  { tokenizer, maxLength, against, examples: wanted = 3, ...options }: InspectOptions = {},
): Promise<PreferenceInspection> => {
  const others = against === undefined ? undefined : await promptHashes(against, options);
  const [sources, prompts] = [new Set<string>(), new Set<string>()];
  const [characters, tokens] = [new Lengths(), new Lengths()];
  const shared: string[] = [];
  const examples: PreferenceInspection['examples'][number][] = [];
  let [truncated, tooLong] = [0, 0];
  const report = await visitPreferences(
    file,
    (tuple) => {
      const { id, prompt, chosen, rejected } = tuple;
      const hash = promptHash(tuple);
      sources.add(tuple.source);
      prompts.add(hash);
      if (others?.has(hash)) shared.push(id);
      if (examples.length < wanted) examples.push({ id, prompt, chosen, rejected });
      characters.add({
        prompt: charactersOf(prompt),
        chosen: charactersOf(chosen),
        rejected: charactersOf(rejected),
      });
      if (tokenizer === undefined) return;
      const measured = measureTokens(tokenizer, tuple, maxLength);
      tokens.add({
        prompt: measured.encoded.prompt.length,
        chosen: measured.encoded.chosen.length,
        rejected: measured.encoded.rejected.length,
      });
      truncated += Number(measured.truncated);
      tooLong += Number(measured.tooLong);
    },
    options,
  );
  return {
    report,
    sources: sources.size,
    prompts: prompts.size,
    characters: characters.summary(),
    tokens: tokens.summary(),
    limit: tokenizer === undefined || maxLength === undefined ? null : { maxLength, truncated, tooLong },
    shared:
      against === undefined ? null : { file: against, pairs: shared.length, firstId: shared[0] ?? null },
    examples,
  };
};
