import { InputError, visible } from '../base/index.js';
import { readTextBytes } from './text-bytes.js';

/** A line longer than this is no prompt; the limit bounds the memory a file can ask for. */
export const maxLineBytes = 16 * 1024 * 1024;

/** One JSON value and the line it stood on. */
export interface JsonLine {
  readonly value: unknown;
  /** Counted from 1. */
  readonly line: number;
}

/** What an error says; it may quote the text that it is about. */
const oneLine = (cause: unknown): string => visible(cause instanceof Error ? cause.message : String(cause));

/** Errors of zlib have codes of their own; others come from the file system. */
const readFault = (cause: unknown, file: string, line: number): InputError => {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'Z_BUF_ERROR') {
    return new InputError('the gzip data end too early', {
      where: { file, line },
      hint: 'the file was cut off: download or copy it again',
      cause,
    });
  }
  if (code.startsWith('Z_')) {
    return new InputError(`the gzip data are damaged: ${oneLine(cause)}`, {
      where: { file, line },
      hint: 'download or copy the file again',
      cause,
    });
  }
  return new InputError(`cannot be read: ${oneLine(cause)}`, {
    where: { file },
    hint: 'give the path of an existing file of JSON lines',
    cause,
  });
};

const parseLine = (bytes: Uint8Array, file: string, line: number): JsonLine | undefined => {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim();
  } catch (cause) {
    throw new InputError('not valid UTF-8', { where: { file, line }, hint: 'save the file as UTF-8', cause });
  }
  if (text === '') return undefined;
  try {
    return { value: JSON.parse(text), line };
  } catch (cause) {
    throw new InputError(`not valid JSON: ${oneLine(cause)}`, {
      where: { file, line },
      hint: 'each line holds one JSON object of its own',
      cause,
    });
  }
};

/**
 * The values of a file of JSON lines, plain or gzipped, one at a time; blank lines are passed over. Memory is bounded by
 * the longest line allowed, whatever the file.
 *
 * @throws InputError with file and line when a line is too long, no JSON or no UTF-8, gzip data are cut off or damaged, or
 * the file cannot be read
 */
export async function* readJsonLines(file: string): AsyncGenerator<JsonLine> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let line = 1;
  const keep = (part: Uint8Array): void => {
    restBytes += part.byteLength;
    if (restBytes > maxLineBytes) {
      throw new InputError(`the line is longer than ${maxLineBytes / 2 ** 20} MiB`, {
        where: { file, line },
        hint: 'each line holds one JSON object of its own; is this a file of JSON lines?',
      });
    }
    rest.push(part);
  };
  const finishLine = (): JsonLine | undefined => {
    const parsed = parseLine(Buffer.concat(rest), file, line);
    rest = [];
    restBytes = 0;
    line++;
    return parsed;
  };
  try {
    for await (const chunk of readTextBytes(file)) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        keep(chunk.subarray(start, end));
        start = end + 1;
        const parsed = finishLine();
        if (parsed !== undefined) yield parsed;
      }
      keep(chunk.subarray(start));
    }
  } catch (error) {
    throw error instanceof InputError ? error : readFault(error, file, line);
  }
  const last = finishLine();
  if (last !== undefined) yield last;
}
