/** Parquet row groups as rows: the part that a damaged file can keep from ever returning. */
import { type FileHandle, open } from 'node:fs/promises';
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup } from 'hyparquet';
import { InputError } from '../base/index.js';

/** What a file may ask for at once; it bounds the memory that reading it takes. */
export interface ParquetLimits {
  /** Stored bytes read in one piece: a column of a row group, the footer. */
  readonly storedBytes: number;
  /** Bytes that the pages of a row group are decompressed to. */
  readonly inflatedBytes: number;
  /** Of a row group. */
  readonly rows: number;
}

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

const isEncodingFault = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';

export const wholeHint = 'download or copy the file again; is it whole?';

/** @throws InputError whatever `read` throws */
const asInputFault = async <T>(read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    if (isEncodingFault(cause)) {
      throw new InputError('a text in the row group that begins here is not valid UTF-8', {
        hint: 'write the file again with its texts as UTF-8',
        cause,
      });
    }
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`cannot be read as parquet: ${message}`, { hint: wholeHint, cause });
  }
};

/** Whole numbers of 64 bits as numbers; ids and ranks are small ones. */
const withNumbers = (row: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === 'bigint' ? Number(value) : value]),
  );

/** Names of the top-level columns. */
const columnsOf = ({ row_groups: groups }: FileMetaData): string[] => [
  ...new Set(
    groups.flatMap(({ columns }) => columns.map(({ meta_data: data }) => data?.path_in_schema[0] ?? '')),
  ),
];

export interface RowGroupRows {
  /** Number of the first, counted from 1. */
  readonly first: number;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface ParquetFile {
  /** The rows of the next row group; nothing after the last. */
  next(): Promise<RowGroupRows | undefined>;
  close(): Promise<void>;
}

const openFile = async (
  file: string,
  wanted: readonly string[],
  limits: ParquetLimits,
): Promise<ParquetFile> => {
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const handle = await open(file);
  try {
    const buffer = asBuffer(handle, (await handle.stat()).size, limits);
    const metadata = await parquetMetadataAsync(buffer);
    const present = columnsOf(metadata).filter((name) => wanted.includes(name));
    const groups = metadata.row_groups.values();
    let first = 1;
    return {
      next: async () => {
        const { value: group } = groups.next();
        if (group === undefined) return undefined;
        const count = rowsOf(group, limits);
        const rows = await parquetReadObjects({
          file: buffer,
          metadata,
          compressors: bounded(compressors, limits),
          parsers: { stringFromBytes },
          rowStart: first - 1,
          rowEnd: first - 1 + count,
          ...(present.length === 0 ? {} : { columns: present }),
        });
        if (rows.length !== count) throw new RangeError(`it has ${rows.length} rows where it says ${count}`);
        first += count;
        return { first: first - count, rows: rows.map(withNumbers) };
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
};

/**
 * @param wanted names of the columns to read; all where the file has none of them
 * @throws InputError, as `next` does, for whatever is wrong with the file
 */
export const openParquet = async (...given: Parameters<typeof openFile>): Promise<ParquetFile> => {
  const { next, close } = await asInputFault(() => openFile(...given));
  return { next: () => asInputFault(next), close };
};
