import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { readParquetRows } from '../../src/data/parquet-rows.js';
import { itObeysTheLaw } from './parser-law.js';

/** Files of a few rows are read in milliseconds; what takes this long does not end. */
const limits = { storedBytes: 2 ** 20, inflatedBytes: 2 ** 20, rows: 2 ** 16, milliseconds: 1500 };

const names = ['prompt', 'chosen', 'rejected'];
const written = (codec: 'SNAPPY' | 'UNCOMPRESSED', rows: number, rowGroupSize = 4): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        ...names.map((name) => ({
          name,
          data: Array.from({ length: rows }, (_, row) => (row === 2 ? null : `${name} ${row % 3}`)),
        })),
        { name: 'rank', data: Array.from({ length: rows }, (_, row) => BigInt(row)), type: 'INT64' as const },
      ],
      rowGroupSize,
      codec,
    }),
  );

const readAll = async (file: string): Promise<number> => {
  let rows = 0;
  for await (const { line } of readParquetRows(file, [], limits)) rows = line;
  return rows;
};

describe('parquet', () => {
  itObeysTheLaw('columns of texts and whole numbers, in row groups', {
    name: 'pairs.parquet',
    parse: readAll,
    seeds: [{ bytes: written('SNAPPY', 6) }, { bytes: written('UNCOMPRESSED', 3) }],
  });
});

describe('the decoder', () => {
  it('should be ended where it does not answer in time, and be there for the next file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dsteer-parquet-'));
    const file = join(folder, 'pairs.parquet');
    await writeFile(file, written('SNAPPY', 20_000, 20_000));
    const hurried = readParquetRows(file, [], { ...limits, milliseconds: 1 });
    const fault = await hurried.next().catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(InputError);
    expect((fault as InputError).message).toMatch(/no answer within 0.001 s/);
    expect((fault as InputError).where?.file).toBe(file);
    expect(await readAll(file)).toBe(20_000);
    await rm(folder, { recursive: true });
  });

  it('should read several files at once, and one that is not read to its end', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dsteer-parquet-'));
    const files = [5, 9, 13].map((rows) => ({ rows, file: join(folder, `${rows}.parquet`) }));
    for (const { rows, file } of files) await writeFile(file, written('SNAPPY', rows));
    const [first] = files;
    for await (const { line } of readParquetRows(first?.file ?? '', [], limits)) if (line === 2) break;
    expect(await Promise.all(files.map(({ file }) => readAll(file)))).toEqual([5, 9, 13]);
    await rm(folder, { recursive: true });
  });
});
