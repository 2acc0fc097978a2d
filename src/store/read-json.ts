import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../base/index.js';

export interface ReadTextOptions {
  /** A larger file is refused unread. Default 256 MiB. */
  readonly maxBytes?: number;
  /** What the user can do about a file that cannot be read. */
  readonly hint?: string;
}

const openForReading = async (path: string, hint: string | undefined): Promise<FileHandle> => {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new InputError(`cannot be read: ${(cause as Error).message}`, {
      where: { file: path },
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
};

/** A whole text file. @throws InputError where it is missing, too large, or not valid UTF-8 */
export const readText = async (
  path: string,
  { maxBytes = 2 ** 28, hint }: ReadTextOptions = {},
): Promise<string> => {
  const handle = await openForReading(path, hint);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new InputError('this is no file', { where: { file: path } });
    if (stat.size > maxBytes) {
      throw new InputError(`it has ${stat.size} bytes; at most ${maxBytes} are read`, {
        where: { file: path },
      });
    }
    const bytes = await handle.readFile();
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new InputError('not valid UTF-8', { where: { file: path }, hint: 'copy the file again', cause });
    }
  } finally {
    await handle.close();
  }
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws InputError naming the file, unless the text is a JSON object */
export const parseJsonObject = (text: string, file: string): Readonly<Record<string, unknown>> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`not valid JSON: ${(cause as Error).message}`, {
      where: { file },
      hint: 'copy the file again from where it came from',
      cause,
    });
  }
  if (!isObject(value)) throw new InputError('expected a JSON object', { where: { file } });
  return value;
};

/** A file that holds one JSON object. @throws InputError as `readText` and `parseJsonObject` */
export const readJsonObject = async (
  path: string,
  options: ReadTextOptions = {},
): Promise<Readonly<Record<string, unknown>>> => parseJsonObject(await readText(path, options), path);
