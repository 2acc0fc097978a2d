/** Tokenizers in Hugging Face form (`tokenizer.json`, `tokenizer_config.json`). */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { InputError } from '../base/index.js';
import { sha256Hex } from '../store/index.js';

export interface Tokenizer {
  /** Token ids of a text, no special token added; special tokens spelt out in the text become their ids. */
  encode(text: string): Int32Array;
  /** The text of token ids, special tokens spelt out. */
  decode(ids: ArrayLike<number>): string;
  /** The token's text as the vocabulary spells it, e.g. `Ġgood`; undefined where the id is not in it. */
  token(id: number): string | undefined;
  /** One above the highest id. */
  readonly vocabularySize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly padId: number | undefined;
  /** Of `tokenizer.json`. */
  readonly sha256: string;
}

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parseObject = (text: string, file: string): JsonObject => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`not valid JSON: ${(cause as Error).message}`, {
      where: { file },
      hint: 'copy the file again from where the model came from',
      cause,
    });
  }
  if (!isObject(value)) throw new InputError('expected a JSON object', { where: { file } });
  return value;
};

/** A special token is given as text, or as an object with its `content`. */
const contentOf = (token: unknown): string | undefined => {
  if (typeof token === 'string') return token;
  return isObject(token) && typeof token['content'] === 'string' ? token['content'] : undefined;
};

const highestId = (vocabulary: Iterable<number>): number => {
  let highest = -1;
  for (const id of vocabulary) highest = Math.max(highest, id);
  return highest;
};

/**
 * @param json the text of `tokenizer.json`
 * @param config what `tokenizer_config.json` holds; it names the special tokens
 * @param file what to call the tokenizer in errors
 * @throws InputError when the tokenizer is of a kind that cannot be read
 */
export const createTokenizer = (
  json: string,
  config: JsonObject = {},
  file = 'tokenizer.json',
): Tokenizer => {
  const parsed = parseObject(json, file);
  let inner: HuggingFaceTokenizer;
  try {
    inner = new HuggingFaceTokenizer(parsed, config);
  } catch (cause) {
    throw new InputError(`cannot read this tokenizer: ${(cause as Error).message}`, {
      where: { file },
      hint: 'a Hugging Face tokenizer.json is needed, with its "model", "pre_tokenizer" and "decoder"',
      cause,
    });
  }
  const idOf = (key: string): number | undefined => {
    const content = contentOf(config[key]);
    return content === undefined ? undefined : inner.token_to_id(content);
  };
  return {
    encode: (text) => Int32Array.from(inner.encode(text, { add_special_tokens: false }).ids),
    decode: (ids) =>
      ids.length === 0
        ? ''
        : inner.decode(Array.from(ids), { skip_special_tokens: false, clean_up_tokenization_spaces: false }),
    token: (id) => inner.id_to_token(id),
    vocabularySize: highestId(inner.get_vocab(true).values()) + 1,
    bosId: idOf('bos_token'),
    eosId: idOf('eos_token'),
    padId: idOf('pad_token'),
    sha256: sha256Hex(json),
  };
};

const readText = async (path: string): Promise<string> => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    if (cause instanceof TypeError) {
      throw new InputError('not valid UTF-8', { where: { file: path }, hint: 'copy the file again', cause });
    }
    throw new InputError(`cannot be read: ${(cause as Error).message}`, {
      where: { file: path },
      hint: 'a model folder holds tokenizer.json, and for special tokens tokenizer_config.json',
      cause,
    });
  }
};

/**
 * The tokenizer of a model folder. Special tokens are named by `tokenizer_config.json` or, where that has none, by
 * `special_tokens_map.json`.
 *
 * @throws InputError when a file is missing or malformed
 */
export const loadTokenizer = async (folder: string): Promise<Tokenizer> => {
  const path = join(folder, 'tokenizer.json');
  const json = await readText(path);
  const config: Record<string, unknown> = {};
  for (const name of ['special_tokens_map.json', 'tokenizer_config.json']) {
    const file = join(folder, name);
    if (existsSync(file)) Object.assign(config, parseObject(await readText(file), file));
  }
  return createTokenizer(json, config, path);
};
