/** Tokenizers in Hugging Face form (`tokenizer.json`, `tokenizer_config.json`). */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { InputError } from '../base/index.js';
import { parseJsonObject, readJsonObject, readText, sha256Hex } from '../store/index.js';
import type { ChatMessage } from './chat.js';
import { type ChatOptions, type ChatTemplate, createChatTemplate } from './chat-template.js';

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
  /**
   * Ids that end a prompt: of an encoder–decoder what its tokenizer puts behind a text by itself, for T5 EOS. Absent
   * where the answer goes on in the same sequence.
   */
  readonly promptEnd?: Int32Array;
  /** Of `tokenizer.json`. */
  readonly sha256: string;
}

/** What a model folder's tokenizer can do beyond that. */
export interface ModelTokenizer extends Tokenizer {
  /** As `encode`, with the special tokens that the tokenizer puts around a text by itself: for Llama BOS, for T5 EOS. */
  encodeWithSpecials(text: string): Int32Array;
  /** Undefined where the folder has none. */
  readonly chatTemplate: ChatTemplate | undefined;
  /**
   * Token ids of a conversation as the chat template writes it; the template itself writes all special tokens.
   *
   * @throws InputError without a chat template, or as its `render`
   */
  encodeChat(messages: readonly ChatMessage[], options?: ChatOptions): Int32Array;
}

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A special token is given as text, or as an object with its `content`. */
const contentOf = (token: unknown): string | undefined => {
  if (typeof token === 'string') return token;
  return isObject(token) && typeof token['content'] === 'string' ? token['content'] : undefined;
};

/** The special tokens that a configuration names, as chat templates know them. */
const specialTokensOf = (config: JsonObject): Record<string, string> => {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    const content = key.endsWith('_token') ? contentOf(value) : undefined;
    if (content !== undefined) tokens[key] = content;
  }
  return tokens;
};

/** One template, or several by name, of which `default` is the one for chats. */
const templateSourceOf = (config: JsonObject, file: string): string | undefined => {
  const raw = config['chat_template'] ?? undefined;
  if (raw === undefined || typeof raw === 'string') return raw;
  const named = Array.isArray(raw) ? raw.filter(isObject).find(({ name }) => name === 'default') : undefined;
  if (typeof named?.['template'] === 'string') return named['template'];
  throw new InputError('chat_template is neither a text nor a list with one named "default"', {
    where: { file },
  });
};

const highestId = (vocabulary: Iterable<number>): number => {
  let highest = -1;
  for (const id of vocabulary) highest = Math.max(highest, id);
  return highest;
};

/**
 * @param json the text of `tokenizer.json`
 * @param config what `tokenizer_config.json` holds; it names the special tokens, and may hold a chat template
 * @param file what to call the tokenizer in errors
 * @throws InputError when the tokenizer is of a kind that cannot be read
 */
export const createTokenizer = (
  json: string,
  config: JsonObject = {},
  file = 'tokenizer.json',
): ModelTokenizer => {
  const parsed = parseJsonObject(json, file);
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
  /** A part that is malformed may show only once it is used. */
  const using = <Value>(use: () => Value): Value => {
    try {
      return use();
    } catch (cause) {
      throw new InputError(`this tokenizer cannot be used: ${(cause as Error).message}`, {
        where: { file },
        hint: 'copy the file again from where it came from',
        cause,
      });
    }
  };
  const encode = (text: string): Int32Array =>
    Int32Array.from(using(() => inner.encode(text, { add_special_tokens: false }).ids));
  const source = templateSourceOf(config, file);
  const chatTemplate =
    source === undefined ? undefined : createChatTemplate(source, specialTokensOf(config), file);
  return {
    encode,
    encodeWithSpecials: (text) => Int32Array.from(using(() => inner.encode(text).ids)),
    chatTemplate,
    encodeChat: (messages, options) => {
      if (chatTemplate) return encode(chatTemplate.render(messages, options));
      throw new InputError('there is no chat template for these messages', {
        where: { file },
        hint: 'add chat_template to tokenizer_config.json, or give a text',
      });
    },
    decode: (ids) =>
      ids.length === 0
        ? ''
        : using(() =>
            inner.decode(Array.from(ids), {
              skip_special_tokens: false,
              clean_up_tokenization_spaces: false,
            }),
          ),
    token: (id) => inner.id_to_token(id),
    vocabularySize: highestId(inner.get_vocab(true).values()) + 1,
    bosId: idOf('bos_token'),
    eosId: idOf('eos_token'),
    padId: idOf('pad_token'),
    sha256: sha256Hex(json),
  };
};

const isEncoderDecoder = async (folder: string): Promise<boolean> => {
  const file = join(folder, 'config.json');
  return existsSync(file) && (await readJsonObject(file))['is_encoder_decoder'] === true;
};

/** What the tokenizer puts behind a text. */
const endOf = ({ encode, encodeWithSpecials }: ModelTokenizer): Int32Array => {
  const text = 'a';
  const [plain, whole] = [encode(text), encodeWithSpecials(text)];
  const start = whole.findIndex((_, index) => plain.every((id, offset) => whole[index + offset] === id));
  return start < 0 ? new Int32Array(0) : whole.slice(start + plain.length);
};

const hint = 'a model folder holds tokenizer.json, and for special tokens tokenizer_config.json';

/**
 * The tokenizer of a model folder. Special tokens are named by `tokenizer_config.json` or, where that has none, by
 * `special_tokens_map.json`; the chat template is that of `chat_template.jinja` where there is one.
 *
 * @throws InputError when a file is missing or malformed
 */
export const loadTokenizer = async (folder: string): Promise<ModelTokenizer> => {
  const path = join(folder, 'tokenizer.json');
  const json = await readText(path, { hint });
  const config: Record<string, unknown> = {};
  for (const name of ['special_tokens_map.json', 'tokenizer_config.json']) {
    const file = join(folder, name);
    if (existsSync(file)) Object.assign(config, await readJsonObject(file));
  }
  const template = join(folder, 'chat_template.jinja');
  if (existsSync(template)) config['chat_template'] = await readText(template);
  const tokenizer = createTokenizer(json, config, path);
  return (await isEncoderDecoder(folder)) ? { ...tokenizer, promptEnd: endOf(tokenizer) } : tokenizer;
};

/** The BOS that has to be put before ids: none where the tokenizer has none, or they begin with it. */
export const bosBefore = ({ bosId }: Tokenizer, ids: ArrayLike<number>): number[] =>
  bosId === undefined || ids[0] === bosId ? [] : [bosId];

/** Token ids of a prompt as training and extraction encode it: BOS first where the tokenizer has one, and its end. */
export const encodePrompt = (tokenizer: Tokenizer, text: string): Int32Array => {
  const ids = tokenizer.encode(text);
  const { promptEnd = [] } = tokenizer;
  return Int32Array.from([...bosBefore(tokenizer, ids), ...ids, ...promptEnd]);
};
