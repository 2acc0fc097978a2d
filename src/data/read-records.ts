import { open } from 'node:fs/promises';
import { type JsonLine, readJsonLines } from './json-lines.js';
import { readParquetRows } from './parquet-rows.js';
import { readStart } from './text-bytes.js';

const isParquet = async (file: string): Promise<boolean> => {
  // What cannot be opened or read is told by the reader of JSON lines.
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return false;
  try {
    return (await readStart(handle, 4).catch(() => Buffer.of())).toString('latin1') === 'PAR1';
  } finally {
    await handle.close();
  }
};

/**
 * The records of a data file, one at a time: JSON lines, gzipped or not, or parquet. Which of them is told by the file's
 * first bytes, whatever it is called.
 *
 * @param columns of parquet that are worth reading
 * @throws InputError as `readJsonLines` and `readParquetRows` do
 */
export async function* readRecords(file: string, columns: readonly string[]): AsyncGenerator<JsonLine> {
  yield* (await isParquet(file)) ? readParquetRows(file, columns) : readJsonLines(file);
}
