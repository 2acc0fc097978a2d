/** Answers of endpoints on disk, each under the hash of what was asked: the same question is never paid for twice. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../base/index.js';
import { sha256Hex, stableJson, writeFileAtomic } from '../store/index.js';
import { type EndpointOptions, endpointUrl, type Json, postJson } from './endpoint.js';

export interface CachedAnswer {
  readonly answer: Json;
  readonly fromCache: boolean;
}

/** Asks an endpoint, or the cache. */
export type Asker = (body: Json) => Promise<CachedAnswer>;

/** Keys sorted, so that equal questions have equal hashes however they were put together. */
const sorted = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, Json>>)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
};

const readCached = async (file: string): Promise<Json> => {
  try {
    const stored = JSON.parse(await readFile(file, 'utf8')) as { readonly answer?: Json };
    if (stored.answer !== undefined) return stored.answer;
  } catch (cause) {
    throw new InputError(`a cached answer cannot be read: ${(cause as Error).message}`, {
      where: { file },
      hint: 'delete the file; it will be asked for again',
      cause,
    });
  }
  throw new InputError('a cached answer has no "answer"', { where: { file }, hint: 'delete the file' });
};

/**
 * An asker that keeps every answer in `folder`, if one is given, by the SHA-256 of URL and body: `ab/abcd….json` with
 * `request`, `url` (without its query) and `answer`. Headers are no part of it, so no key is ever written.
 *
 * @param accept looks at a fresh answer and throws where it is malformed: such an answer is not kept
 * @throws as `postJson`; InputError for a cached file that cannot be read
 */
export const createAsker = (
  endpoint: EndpointOptions,
  folder: string | undefined,
  accept: (answer: Json) => void,
): Asker => {
  const url = endpointUrl(endpoint.url);
  const underWay = new Map<string, Promise<CachedAnswer>>();
  const ask = async (body: Json, hash: string): Promise<CachedAnswer> => {
    const file = folder === undefined ? undefined : join(folder, hash.slice(0, 2), `${hash}.json`);
    if (file !== undefined && existsSync(file)) return { answer: await readCached(file), fromCache: true };
    const answer = await postJson(endpoint, body);
    accept(answer);
    if (file !== undefined) {
      await writeFileAtomic(file, stableJson({ url: `${url.origin}${url.pathname}`, request: body, answer }));
    }
    return { answer, fromCache: false };
  };
  return async (body) => {
    const hash = sha256Hex(stableJson(sorted({ url: url.href, body })));
    const known = underWay.get(hash);
    // The same question twice at once is asked once.
    if (known) return { ...(await known), fromCache: true };
    const asked = ask(body, hash);
    underWay.set(hash, asked);
    try {
      return await asked;
    } finally {
      underWay.delete(hash);
    }
  };
};
