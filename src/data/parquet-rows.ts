import { DsteerError, InputError, startThread, type WorkerThread } from '../base/index.js';
import type { JsonLine } from './json-lines.js';
import { type ParquetLimits, type RowGroupRows, wholeHint } from './parquet-decoder.js';

export interface ParquetReadLimits extends ParquetLimits {
  /** That reading one row group may take: a damaged file can keep the decoder from ever returning. */
  readonly milliseconds: number;
}

const defaultLimits: ParquetReadLimits = {
  storedBytes: 2 ** 28,
  inflatedBytes: 2 ** 29,
  rows: 2 ** 20,
  milliseconds: 120_000,
};

/** Opens a file where one is named; the next row group of the one that is open otherwise. */
export type ToDecoder =
  | {
      readonly type: 'open';
      readonly file: string;
      readonly wanted: readonly string[];
      readonly limits: ParquetLimits;
    }
  | { readonly type: 'next' }
  | { readonly type: 'close' };

/** Answers `next` with rows, while there are any. */
type Decoder = WorkerThread<ToDecoder, RowGroupRows | undefined>;

/** A thread that has nothing to do, kept for the next file. */
let idle: Decoder | undefined;

const takeDecoder = (): Decoder => {
  const decoder =
    idle ?? startThread('data/parquet-worker.js', { name: 'the parquet decoder', data: undefined });
  idle = undefined;
  return decoder;
};

const giveBack = async (decoder: Decoder): Promise<void> => {
  if (idle === undefined) idle = decoder;
  else await decoder.close();
};

/** A fault of the file: what the decoder found, or what ended it. */
const faultOf = (cause: unknown, file: string, row: number | undefined): InputError => {
  const where = { file, ...(row === undefined ? {} : { line: row }) };
  if (cause instanceof DsteerError && cause.code === 'input') {
    const { message, hint } = cause;
    return new InputError(message, { where, cause, ...(hint === undefined ? {} : { hint }) });
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return new InputError(`cannot be read as parquet: ${message}`, { where, hint: wholeHint, cause });
};

/**
 * The rows of a parquet file as objects, one row group after the other; the line of a row is its number, counted from 1. They
 * are decoded on a thread of their own, which is ended where a file keeps it busy without end.
 *
 * @param wanted names of the columns to read; all where the file has none of them
 * @throws InputError with file and row when the file is damaged, a row group is too large to be held or takes too long, or
 *   texts are no UTF-8
 */
export async function* readParquetRows(
  file: string,
  wanted: readonly string[],
  { milliseconds, ...limits }: ParquetReadLimits = defaultLimits,
): AsyncGenerator<JsonLine> {
  const decoder = takeDecoder();
  let row: number | undefined;
  let isAlive = true;
  const ask = (question: ToDecoder): Promise<RowGroupRows | undefined> =>
    decoder.ask(question, milliseconds).catch((cause: unknown) => {
      isAlive = cause instanceof DsteerError && cause.code === 'input';
      throw faultOf(cause, file, row);
    });
  try {
    await ask({ type: 'open', file, wanted, limits });
    row = 1;
    for (let group = await ask({ type: 'next' }); group !== undefined; group = await ask({ type: 'next' })) {
      for (const [index, value] of group.rows.entries()) yield { value, line: group.first + index };
      row = group.first + group.rows.length;
    }
  } finally {
    if (isAlive) {
      await ask({ type: 'close' });
      await giveBack(decoder);
    }
  }
}
