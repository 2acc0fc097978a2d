import { InputError } from '../base/index.js';
import { type JsonLine, readJsonLines } from './json-lines.js';
import type { PreferenceTuple } from './preference-tuple.js';

type Row = Readonly<Record<string, unknown>>;

const SHAPE = 'a line looks like {"prompt": "…", "chosen": "…", "rejected": "…"}';

const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads one row of prompt, chosen and rejected as texts; other shapes of preference data get a function beside it. */
const preferenceOfTexts = ({ value, line }: JsonLine, file: string): PreferenceTuple => {
  const fault = (message: string, hint: string): InputError =>
    new InputError(message, { where: { file, line }, hint });
  if (!isRow(value)) throw fault('expected a JSON object', SHAPE);
  const text = (key: 'prompt' | 'chosen' | 'rejected'): string => {
    const field = value[key];
    if (field === undefined) throw fault(`"${key}" is missing`, SHAPE);
    if (typeof field !== 'string') {
      throw fault(`"${key}" must be text, not ${Array.isArray(field) ? 'a list' : typeof field}`, SHAPE);
    }
    return field;
  };
  const label = (key: 'id' | 'source' | 'frame'): string | undefined => {
    const field = value[key];
    if (field === undefined || field === null) return undefined;
    if (typeof field !== 'string' && typeof field !== 'number') {
      throw fault(`"${key}" must be text or a number`, `leave "${key}" out, or give text`);
    }
    return String(field);
  };
  const choice = <T extends string>(key: string, legal: readonly T[]): T | undefined => {
    const field = value[key];
    if (field === undefined || field === null) return undefined;
    const found = legal.find((each) => each === field);
    if (found === undefined) {
      throw fault(
        `"${key}" is ${JSON.stringify(field)}`,
        `leave "${key}" out, or give one of: ${legal.join(', ')}`,
      );
    }
    return found;
  };
  const [prompt, chosen, rejected] = [text('prompt'), text('chosen'), text('rejected')];
  for (const [key, completion] of Object.entries({ chosen, rejected })) {
    if (completion.trim() === '')
      throw fault(`"${key}" is empty`, 'give both completions some text, or drop the line');
  }
  if (chosen === rejected) {
    throw fault(
      '"chosen" and "rejected" are the same',
      'a preference needs two completions that differ; drop the line',
    );
  }
  const frame = label('frame');
  const frameSplit = choice('frameSplit', ['seen', 'unseen']);
  const polarity = choice('polarity', ['positive', 'negative']);
  return {
    id: label('id') ?? `line-${line}`,
    prompt,
    chosen,
    rejected,
    source: label('source') ?? prompt,
    ...(frame === undefined ? {} : { frame }),
    ...(frameSplit === undefined ? {} : { frameSplit }),
    ...(polarity === undefined ? {} : { polarity }),
  };
};

/**
 * Preference tuples from a file of JSON lines, each with `prompt`, `chosen` and `rejected` as texts, taken as they
 * are (a completion that starts a new word begins with its space), and optionally `id` (default: the line) and
 * `source` (default: the prompt).
 *
 * @throws InputError naming file and line when a side is missing or empty, both sides are equal, an id is used twice,
 * or a line cannot be read
 */
export const readPreferences = async (file: string): Promise<PreferenceTuple[]> => {
  const lineOf = new Map<string, number>();
  const tuples: PreferenceTuple[] = [];
  for await (const row of readJsonLines(file)) {
    const tuple = preferenceOfTexts(row, file);
    const before = lineOf.get(tuple.id);
    if (before !== undefined) {
      throw new InputError(`the id "${tuple.id}" is that of line ${before} already`, {
        where: { file, line: row.line },
        hint: 'give each line an id of its own, or none',
      });
    }
    lineOf.set(tuple.id, row.line);
    tuples.push(tuple);
  }
  if (tuples.length === 0) {
    throw new InputError('the file is empty', { where: { file }, hint: 'it needs at least one line' });
  }
  return tuples;
};
