import { type FileHandle, open } from 'node:fs/promises';
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup } from 'hyparquet';
import { InputError } from '../base/index.js';
import type { JsonLine } from './json-lines.js';

/** What a file may ask for at once; it bounds the memory that reading it takes. */
export interface ParquetLimits {
  /** Stored bytes read in one piece: a column of a row group, the footer. */
  readonly storedBytes: number;
  /** Bytes that the pages of a row group are decompressed to. */
  readonly inflatedBytes: number;
  /** Of a row group. */
  readonly rows: number;
}

const defaultLimits: ParquetLimits = { storedBytes: 2 ** 28, inflatedBytes: 2 ** 29, rows: 2 ** 20 };

const smallerGroups = 'write the file again with smaller row groups, of some 1,000 rows';

const asBuffer = (handle: FileHandle, byteLength: number, limits: ParquetLimits): AsyncBuffer => ({
  byteLength,
  slice: async (start, end = byteLength) => {
    if (start < 0 || end > byteLength || start > end) {
      throw new RangeError(`it points at bytes ${start} to ${end} of ${byteLength}`);
    }
    if (end - start > limits.storedBytes) {
      throw new InputError(`a part of ${end - start} bytes would have to be read at once`, {
        hint: smallerGroups,
      });
    }
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) throw new RangeError('it became shorter while it was read');
      filled += bytesRead;
    }
    return bytes.buffer;
  },
});

/** The same decompressors for the pages of one row group, which refuse them once they become too large together. */
const bounded = (compressors: Compressors, limits: ParquetLimits): Compressors => {
  let inflated = 0;
  return Object.fromEntries(
    Object.entries(compressors).map(([codec, decompress]) => [
      codec,
      (input: Uint8Array, outputLength: number): Uint8Array => {
        inflated += outputLength;
        if (inflated > limits.inflatedBytes) {
          throw new InputError(`a row group decompresses to more than ${limits.inflatedBytes} bytes`, {
            hint: smallerGroups,
          });
        }
        return decompress(input, outputLength);
      },
    ]),
  );
};

const rowsOf = ({ num_rows: rows }: RowGroup, limits: ParquetLimits): number => {
  if (rows < 0n || rows > BigInt(limits.rows)) {
    throw new InputError(`a row group of ${rows} rows would have to be held at once`, {
      hint: smallerGroups,
    });
  }
  return Number(rows);
};

/** Bytes that are no UTF-8 are an error, not replacement characters. */
const stringFromBytes = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** Whole numbers of 64 bits as numbers; ids and ranks are small ones. */
const withNumbers = (row: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === 'bigint' ? Number(value) : value]),
  );

const faultOf = (cause: unknown, file: string, row: number | undefined): InputError => {
  const where = { file, ...(row === undefined ? {} : { line: row }) };
  if (cause instanceof InputError) {
    return new InputError(cause.message, {
      where,
      cause,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return new InputError('a text in the row group that begins here is not valid UTF-8', {
      where,
      hint: 'write the file again with its texts as UTF-8',
      cause,
    });
  }
  return new InputError(
    `cannot be read as parquet: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      where,
      hint: 'download or copy the file again; is it whole?',
      cause,
    },
  );
};

/** Names of the top-level columns. */
const columnsOf = ({ row_groups: groups }: FileMetaData): string[] => [
  ...new Set(
    groups.flatMap(({ columns }) => columns.map(({ meta_data: data }) => data?.path_in_schema[0] ?? '')),
  ),
];

/**
 * The rows of a parquet file as objects, one row group after the other; the line of a row is its number, counted from 1.
 *
 * @param wanted names of the columns to read; all where the file has none of them
 * @throws InputError with file and row when the file is damaged, a row group is too large to be held, or texts are no UTF-8
 */
export async function* readParquetRows(
  file: string,
  wanted: readonly string[],
  limits: ParquetLimits = defaultLimits,
): AsyncGenerator<JsonLine> {
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const handle = await open(file);
  let row: number | undefined;
  try {
    const buffer = asBuffer(handle, (await handle.stat()).size, limits);
    const metadata = await parquetMetadataAsync(buffer);
    const present = columnsOf(metadata).filter((name) => wanted.includes(name));
    row = 1;
    for (const group of metadata.row_groups) {
      const count = rowsOf(group, limits);
      const rows = await parquetReadObjects({
        file: buffer,
        metadata,
        compressors: bounded(compressors, limits),
        parsers: { stringFromBytes },
        rowStart: row - 1,
        rowEnd: row - 1 + count,
        ...(present.length === 0 ? {} : { columns: present }),
      });
      if (rows.length !== count) throw new RangeError(`it has ${rows.length} rows where it says ${count}`);
      for (const [index, value] of rows.entries()) yield { value: withNumbers(value), line: row + index };
      row += count;
    }
  } catch (cause) {
    throw faultOf(cause, file, row);
  } finally {
    await handle.close();
  }
}
