import { InputError, showValue } from '../base/index.js';
import { encodePreference, encodePrompt, readJsonLines, type Tokenizer } from '../data/index.js';
import { type ReadItem, type Readout, readItem } from './readout.js';

export interface ExtractInputOptions {
  readonly readout: Readout;
  /** Not needed where every line gives `ids`. */
  readonly tokenizer?: Tokenizer;
  /** Tokens a line may have in all; more is an error, never a silent cut. */
  readonly maxLength?: number;
}

type Row = Readonly<Record<string, unknown>>;

const shape =
  'a line is {"prompt": "…"}, {"prompt": "…", "response": "…"} or {"ids": [1, 2, …]}, for an encoder–decoder with {"decoderIds": [0, …]}';

const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readIds = (ids: unknown, key: 'ids' | 'decoderIds'): Int32Array => {
  if (!Array.isArray(ids) || ids.length === 0) {
    throw new InputError(`"${key}" must be a list of at least one token id`, { hint: shape });
  }
  const bad = ids.findIndex((id) => !Number.isSafeInteger(id) || Number(id) < 0 || Number(id) > 0x7fffffff);
  if (bad >= 0) throw new InputError(`"${key}" holds ${showValue(ids[bad])} at position ${bad}: no token id`);
  return Int32Array.from(ids, Number);
};

/** Without ids for the decoder, an encoder–decoder reads `ids` in its encoder and is about to generate. */
const readTokens = (row: Row): ReadItem => {
  const ids = readIds(row['ids'], 'ids');
  if (row['decoderIds'] === undefined) return { ids, position: ids.length - 1 };
  const decoder = readIds(row['decoderIds'], 'decoderIds');
  return { ids: decoder, position: decoder.length - 1, encoder: ids };
};

const readText = (row: Row, key: 'prompt' | 'response'): string | undefined => {
  const value = row[key];
  if (value === undefined || typeof value === 'string') return value;
  throw new InputError(`"${key}" must be text, not ${Array.isArray(value) ? 'a list' : typeof value}`, {
    hint: shape,
  });
};

/** Prompt and response as training encodes them: BOS first where the tokenizer has one, the seam between tokens. */
const encodeTexts = (
  tokenizer: Tokenizer,
  prompt: string,
  response: string | undefined,
): { prompt: Int32Array; response?: Int32Array } => {
  if (response !== undefined && response !== '') {
    const tuple = { id: prompt, prompt, chosen: response, rejected: response, source: prompt };
    const encoded = encodePreference(tokenizer, tuple, { maxLength: Number.MAX_SAFE_INTEGER });
    return { prompt: encoded.prompt, response: encoded.chosen };
  }
  return { prompt: encodePrompt(tokenizer, prompt) };
};

const readRow = (row: Row, { readout, tokenizer }: ExtractInputOptions): ReadItem => {
  const [prompt, response] = [readText(row, 'prompt'), readText(row, 'response')];
  if (row['ids'] !== undefined) {
    if (prompt === undefined && response === undefined) return readTokens(row);
    throw new InputError('"ids" stands beside a text: which is meant is unclear', { hint: shape });
  }
  if (row['decoderIds'] !== undefined) {
    throw new InputError('"decoderIds" need "ids" beside them: what the encoder reads', { hint: shape });
  }
  if (prompt === undefined) throw new InputError('"prompt" is missing', { hint: shape });
  if (tokenizer === undefined) {
    throw new InputError('a text needs a tokenizer, and the model folder has none', {
      hint: 'add tokenizer.json to the folder, or give {"ids": […]}',
    });
  }
  const encoded = encodeTexts(tokenizer, prompt, response);
  return readItem(encoded.prompt, readout, encoded.response);
};

/**
 * Reads what `extract` is to run on: JSON lines of {"prompt"}, {"prompt", "response"} or {"ids"}; ids are read at their
 * last one, for an encoder–decoder with `decoderIds` beside them: the decoder's input, its start token first. The order of the lines is kept.
 *
 * @throws InputError with file and line for the first line that cannot be used
 */
export const readExtractInput = async (file: string, options: ExtractInputOptions): Promise<ReadItem[]> => {
  const items: ReadItem[] = [];
  for await (const { value, line } of readJsonLines(file)) {
    try {
      if (!isRow(value)) throw new InputError('expected a JSON object', { hint: shape });
      const item = readRow(value, options);
      const length = Math.max(item.ids.length, item.encoder?.length ?? 0);
      if (options.maxLength !== undefined && length > options.maxLength) {
        throw new InputError(`${length} tokens are more than the model's ${options.maxLength}`, {
          hint: 'shorten the prompt',
        });
      }
      items.push(item);
    } catch (error) {
      if (!(error instanceof InputError) || error.where !== undefined) throw error;
      throw new InputError(error.message, {
        where: { file, line },
        cause: error,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
  }
  if (items.length === 0)
    throw new InputError('there are no prompts in this file', { where: { file }, hint: shape });
  return items;
};
