import { InputError, visible } from '../base/index.js';
import { readHhRecords } from './hh-records.js';
import type { JsonLine } from './json-lines.js';
import { readOasstRowRecords, readOasstTreeRecords } from './oasst-pairs.js';
import { readPairRecords } from './pair-records.js';
import type { ReadFormat } from './preference-outcome.js';

/**
 * The formats of preference data:
 * - `hh`: Anthropic HH, `chosen` and `rejected` as transcripts;
 * - `oasst1-messages`, `oasst1-trees`: Open Assistant, ranked replies;
 * - `pairs`: prompt, chosen and rejected as texts or chat messages.
 */
export const preferenceFormats = ['hh', 'oasst1-messages', 'oasst1-trees', 'pairs'] as const;

export type PreferenceFormat = (typeof preferenceFormats)[number];

export const formatReaders: Readonly<Record<PreferenceFormat, ReadFormat>> = {
  hh: readHhRecords,
  'oasst1-messages': readOasstRowRecords,
  'oasst1-trees': readOasstTreeRecords,
  pairs: readPairRecords,
};

/** Columns of parquet that any of the formats reads. */
export const preferenceColumns: readonly string[] = [
  ...['id', 'source', 'prompt', 'chosen', 'rejected', 'frame', 'frameSplit', 'polarity'],
  ...['message_id', 'parent_id', 'message_tree_id', 'text', 'role', 'lang', 'rank'],
  ...['synthetic', 'deleted', 'review_result'],
];

const isTranscript = (value: unknown): boolean => typeof value === 'string' && value.includes('\n\nHuman:');

const formatOf = ({ value }: JsonLine): PreferenceFormat | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { prompt, chosen, rejected, ...rest } = value as Readonly<Record<string, unknown>>;
  if ('message_id' in rest) return 'oasst1-messages';
  if ('message_tree_id' in rest) return 'oasst1-trees';
  if (chosen === undefined && rejected === undefined) return undefined;
  const hasPrompt = prompt !== undefined && prompt !== null;
  return !hasPrompt && [chosen, rejected].some(isTranscript) ? 'hh' : 'pairs';
};

const keysOf = ({ value }: JsonLine): string =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? 'no JSON object'
    : `an object with ${Object.keys(value)
        .slice(0, 8)
        .map((key) => `"${visible(key)}"`)
        .join(', ')}`;

/**
 * The format that most of a file's first records are in, of equally many the one that comes first.
 *
 * @throws InputError when none of them is in a known format
 */
export const detectFormat = (first: readonly JsonLine[], file: string): PreferenceFormat => {
  const votes = new Map<PreferenceFormat, number>();
  for (const record of first) {
    const format = formatOf(record);
    if (format !== undefined) votes.set(format, (votes.get(format) ?? 0) + 1);
  }
  const [winner] = [...votes].sort(([, a], [, b]) => b - a);
  if (winner !== undefined) return winner[0];
  const [record] = first;
  throw new InputError(
    record === undefined ? 'the file is empty' : `no known format of preferences: ${keysOf(record)}`,
    {
      where: { file, ...(record === undefined ? {} : { line: record.line }) },
      hint: 'a record has chosen and rejected (transcripts, or beside a prompt), or is a message or tree of OASST1',
    },
  );
};
