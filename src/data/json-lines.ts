import { readFile } from 'node:fs/promises';
import { InputError } from '../base/index.js';

/** One JSON value and the line it stood on, counted from 1. */
export interface JsonLine {
  readonly value: unknown;
  readonly line: number;
}

const LINE_FEED = 10;

const decodeLine = (bytes: Uint8Array, file: string, line: number): string => {
  try {
    // A byte order mark at the start of the file is dropped by the decoder.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim();
  } catch (cause) {
    throw new InputError('not valid UTF-8', {
      where: { file, line },
      hint: 'save the file as UTF-8',
      cause,
    });
  }
};

/**
 * The values of a file of JSON lines; blank lines are passed over.
 *
 * @throws InputError with file and line when a line is no JSON or no UTF-8, or when the file cannot be read or is empty
 */
export const readJsonLines = async (file: string): Promise<JsonLine[]> => {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new InputError(`cannot be read: ${(cause as Error).message}`, {
      where: { file },
      hint: 'give the path of an existing file of JSON lines',
      cause,
    });
  }
  const lines: JsonLine[] = [];
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const feed = bytes.indexOf(LINE_FEED, start);
    const end = feed < 0 ? bytes.length : feed;
    const text = decodeLine(bytes.subarray(start, end), file, line);
    start = end + 1;
    if (text === '') continue;
    try {
      lines.push({ value: JSON.parse(text), line });
    } catch (cause) {
      throw new InputError(`not valid JSON: ${(cause as Error).message}`, {
        where: { file, line },
        hint: 'each line holds one JSON object of its own',
        cause,
      });
    }
  }
  if (lines.length === 0) {
    throw new InputError('the file is empty', { where: { file }, hint: 'it needs at least one line' });
  }
  return lines;
};
