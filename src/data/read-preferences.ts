import { InputError } from '../base/index.js';
import { sha256Hex } from '../store/index.js';
import { type DropReason, dropReasons } from './drop-reasons.js';
import type { JsonLine } from './json-lines.js';
import {
  detectFormat,
  formatReaders,
  type PreferenceFormat,
  preferenceColumns,
} from './preference-format.js';
import type { FormatOptions } from './preference-outcome.js';
import type { PreferenceTuple } from './preference-tuple.js';
import { readRecords } from './read-records.js';

/** How many of something there were, and on which line the first stood (of parquet: in which row). */
export interface Occurrences {
  readonly count: number;
  readonly firstLine: number;
}

/** What became of a file's records. */
export interface PreferenceReport {
  readonly file: string;
  readonly format: PreferenceFormat;
  /** Lines or rows read: pairs, messages or trees. */
  readonly records: number;
  /** Of OASST1: messages in them. */
  readonly messages: number | null;
  /** Pairs of answers that they hold. */
  readonly pairs: number;
  readonly kept: number;
  /** Pairs that are not kept, by reason. */
  readonly dropped: Readonly<Partial<Record<DropReason, Occurrences>>>;
  /** Pairs kept that stand in the file before, word for word. */
  readonly repeated: Occurrences | null;
}

export interface ReadPreferencesOptions extends FormatOptions {
  /** Default: told by the first records. */
  readonly format?: PreferenceFormat;
}

export interface PreferenceFile {
  readonly tuples: PreferenceTuple[];
  readonly report: PreferenceReport;
}

/** Records looked at to tell the format. */
const firstRecords = 16;

const addTo = (occurrences: Occurrences | undefined, line: number): Occurrences => ({
  count: (occurrences?.count ?? 0) + 1,
  firstLine: Math.min(occurrences?.firstLine ?? line, line),
});

const identityOf = ({ prompt, chosen, rejected }: PreferenceTuple): string =>
  sha256Hex(JSON.stringify([prompt, chosen, rejected])).slice(0, 32);

/**
 * Gives each preference of a file to `visit`, as it is read, and reports what became of the records. Nothing of the file is
 * held but what is being read, a hash a pair, and for OASST1's message rows the messages.
 *
 * @throws InputError with file and line when a record is malformed, in no known format, too long, or cannot be read
 */
export const visitPreferences = async (
  file: string,
  visit: (tuple: PreferenceTuple, line: number) => void,
  { format: asked, ...options }: ReadPreferencesOptions = {},
): Promise<PreferenceReport> => {
  const source = readRecords(file, preferenceColumns);
  const first: JsonLine[] = [];
  let records = 0;
  let messages: number | null = null;
  let pairs = 0;
  let kept = 0;
  let repeated: Occurrences | undefined;
  const dropped: Partial<Record<DropReason, Occurrences>> = {};
  const seen = new Set<string>();
  async function* counted(): AsyncGenerator<JsonLine> {
    for (const record of first) {
      records++;
      yield record;
    }
    for await (const record of source) {
      records++;
      yield record;
    }
  }
  try {
    while (first.length < firstRecords) {
      const next = await source.next();
      if (next.done === true) break;
      first.push(next.value);
    }
    const format = first.length > 0 && asked !== undefined ? asked : detectFormat(first, file);
    for await (const outcome of formatReaders[format](counted(), file, options)) {
      if ('messages' in outcome) {
        messages = (messages ?? 0) + outcome.messages;
        continue;
      }
      pairs++;
      if ('reason' in outcome) {
        dropped[outcome.reason] = addTo(dropped[outcome.reason], outcome.line);
        continue;
      }
      kept++;
      const identity = identityOf(outcome.tuple);
      if (seen.has(identity)) repeated = addTo(repeated, outcome.line);
      seen.add(identity);
      visit(outcome.tuple, outcome.line);
    }
    return { file, format, records, messages, pairs, kept, dropped, repeated: repeated ?? null };
  } finally {
    await source.return(undefined);
  }
};

/** `an answer is empty (4, first on line 87)`, a reason each. */
export const describeDrops = ({ dropped }: Pick<PreferenceReport, 'dropped'>): string[] =>
  (Object.keys(dropReasons) as DropReason[]).flatMap((reason) => {
    const found = dropped[reason];
    return found === undefined
      ? []
      : [`${dropReasons[reason]} (${found.count}, first on line ${found.firstLine})`];
  });

/**
 * The preferences of a file, and what became of its records. A pair that cannot be used is left out and counted by its reason:
 * whoever calls this shows or writes the report.
 *
 * @throws InputError as `visitPreferences` does, and when no pair is left
 */
export const readPreferenceFile = async (
  file: string,
  options: ReadPreferencesOptions = {},
): Promise<PreferenceFile> => {
  const tuples: PreferenceTuple[] = [];
  const report = await visitPreferences(file, (tuple) => tuples.push(tuple), options);
  if (tuples.length > 0) return { tuples, report };
  const drops = describeDrops(report);
  throw new InputError(
    `none of ${report.pairs} pairs in ${report.records} records can be used${drops.length === 0 ? '' : `: ${drops.join('; ')}`}`,
    { where: { file }, hint: '`dsteer data inspect` shows what a file holds, and takes the same options' },
  );
};

/**
 * The preferences of a file whose every record is to be used: Anthropic HH, OASST1, or prompt, chosen and rejected as texts
 * or chat messages, as JSON lines, gzipped or not, or parquet. `readPreferenceFile` leaves unusable records out instead.
 *
 * @throws InputError as `readPreferenceFile` does, and at the first pair that cannot be used
 */
export const readPreferences = async (
  file: string,
  options: ReadPreferencesOptions = {},
): Promise<PreferenceTuple[]> => {
  const { tuples, report } = await readPreferenceFile(file, options);
  const [worst] = (Object.entries(report.dropped) as [DropReason, Occurrences][]).sort(
    ([, a], [, b]) => a.firstLine - b.firstLine,
  );
  if (worst === undefined) return tuples;
  throw new InputError(`${dropReasons[worst[0]]}: no preference`, {
    where: { file, line: worst[1].firstLine },
    hint: 'a preference needs two answers that differ, to one prompt; drop the line',
  });
};
