/** Files that hold preference data in every container, whole and broken. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { preferenceFormats, readPreferenceFile } from '../../src/data/index.js';
import { readJsonLines } from '../../src/data/json-lines.js';
import { readParquetRows } from '../../src/data/parquet-rows.js';
import { readRecords } from '../../src/data/read-records.js';
import { readTextBytes } from '../../src/data/text-bytes.js';
import { isPresent, sharedPath, withFile } from './fixtures.js';
import { contentFault, linesOf, readContent, zipped } from './preference-files.js';

const pair = (index: number) => ({
  prompt: `Question ${index}`,
  chosen: ` good ${index}`,
  rejected: ` bad ${index}`,
});

const pairs = (count: number) => Array.from({ length: count }, (_, index) => pair(index));

const hh = {
  chosen: '\n\nHuman: a\n\nAssistant: b',
  rejected: '\n\nHuman: a\n\nAssistant: c',
};

const columnsOf = (
  records: readonly Readonly<Record<string, unknown>>[],
  types: Readonly<Record<string, ColumnSource['type']>> = {},
): ColumnSource[] =>
  [...new Set(records.flatMap(Object.keys))].map((name) => {
    const type = types[name];
    return {
      name,
      data: records.map((record) => record[name] ?? null),
      ...(type === undefined ? {} : { type }),
    };
  });

type SchemaElement = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>[number];

const parquetOf = (columnData: ColumnSource[], rowGroupSize = 1000): Uint8Array =>
  new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));

describe('containers', () => {
  it('should give the same tuples from JSON lines, gzip, several gzip members and parquet', async () => {
    const records = pairs(25);
    const plain = await readContent(linesOf(records));
    expect(plain.tuples).toHaveLength(25);
    const members = Buffer.concat([zipped(records.slice(0, 10)), zipped(records.slice(10))]);
    const tables = [7, 1000].map((rows) => parquetOf(columnsOf(records), rows));
    for (const content of [zipped(records), members, ...tables]) {
      expect(await readContent(content)).toEqual(plain);
    }
  });

  it('should read OASST1 from parquet with whole numbers of 64 bits, nulls and columns of no use', async () => {
    const message = (id: string, rank: bigint | null, parent: string | null) => ({
      message_id: id,
      parent_id: parent,
      message_tree_id: 'q',
      text: `text of ${id}`,
      role: parent === null ? 'prompter' : 'assistant',
      lang: 'en',
      rank,
      synthetic: false,
      deleted: false,
      created_date: 'x'.repeat(100),
    });
    const rows = [message('q', null, null), message('a', 1n, 'q'), message('b', 0n, 'q')];
    const { tuples, report } = await readContent(parquetOf(columnsOf(rows, { rank: 'INT64' })));
    expect(report).toMatchObject({ format: 'oasst1-messages', records: 3, kept: 1 });
    expect(tuples[0]).toMatchObject({ id: 'b>a', chosen: ' text of b', rejected: ' text of a', source: 'q' });
  });

  it('should read chat messages that are lists of objects in parquet', async () => {
    const conversation = (answer: string) => [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: answer },
    ];
    const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' } as const;
    const messages = (name: string): SchemaElement[] => [
      { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL', num_children: 2 },
      { name: 'content', ...text },
      { name: 'role', ...text },
    ];
    const data = new Uint8Array(
      parquetWriteBuffer({
        schema: [{ name: 'root', num_children: 2 }, ...messages('chosen'), ...messages('rejected')],
        columnData: [
          { name: 'chosen', data: [conversation('Hi')] },
          { name: 'rejected', data: [conversation('Go')] },
        ],
      }),
    );
    const { tuples } = await readContent(data);
    expect(tuples[0]).toMatchObject({ chosen: ' Hi', rejected: ' Go' });
  });

  it('should tell the format by the first records, and take the one that is asked for', async () => {
    const message = { message_id: 'q', message_tree_id: 'q', role: 'prompter', text: 'x' };
    expect((await readContent(linesOf([hh]))).report.format).toBe('hh');
    expect((await readContent(linesOf([{ ...hh, prompt: 'p' }]))).report.format).toBe('pairs');
    expect((await contentFault(linesOf([message]))).message).toMatch(/none of 0 pairs in 1 records/);
    // Asked for as something else, the same records are faults of that format.
    const wrong = {
      hh: linesOf(pairs(1)),
      'oasst1-messages': linesOf([hh]),
      'oasst1-trees': linesOf([hh]),
      pairs: linesOf([hh]),
    };
    const faults = {
      hh: /no turn in this transcript/,
      'oasst1-messages': /"message_id" is missing/,
      'oasst1-trees': /"message_tree_id" is missing/,
      pairs: /"prompt" is missing/,
    };
    for (const format of preferenceFormats) {
      const fault = await contentFault(wrong[format], { format });
      expect(fault.message).toMatch(faults[format]);
      expect(fault.where?.line).toBe(1);
    }
  });

  it('should take the format of most of the first records, so that one odd line is that line’s fault', async () => {
    const odd = await contentFault(linesOf([{ text: 'odd' }, hh, hh]));
    expect(odd.message).toMatch(/"chosen" is missing/);
    expect(odd.where?.line).toBe(1);
    const ofAnotherFormat = await contentFault(linesOf([pair(1), hh, hh]));
    expect(ofAnotherFormat.message).toMatch(/no turn in this transcript/);
    expect(ofAnotherFormat.where?.line).toBe(1);
  });
});

describe('broken files', () => {
  const whole = zipped(pairs(2000));

  it.each([
    ['cut off in the middle', whole.subarray(0, whole.length / 2), /gzip data end too early/],
    ['cut off in its header', whole.subarray(0, 5), /gzip data end too early/],
    ['with something else behind it', Buffer.concat([whole, Buffer.from('junk')]), /gzip data are damaged/],
    ['of a lying checksum', Buffer.concat([whole.subarray(0, -8), Buffer.alloc(8)]), /gzip data are damaged/],
  ])('should refuse gzip %s, naming the line it came to', async (_, content, message) => {
    const fault = await contentFault(content);
    expect(fault.message).toMatch(message);
    expect(fault.where?.line).toBeGreaterThanOrEqual(1);
  });

  it('should refuse invalid UTF-8, in gzip too, naming its line', async () => {
    const bad = Buffer.concat([Buffer.from(`${linesOf([pair(0)])}{"prompt": "`), Buffer.of(0xff, 0x0a)]);
    for (const content of [bad, gzipSync(bad)]) {
      const fault = await contentFault(content);
      expect(fault.message).toMatch(/not valid UTF-8/);
      expect(fault.where?.line).toBe(2);
    }
  });

  it('should print no control character of a line that is no JSON', async () => {
    const fault = await contentFault('\u001b[31mred\n');
    expect(fault.message).toMatch(/not valid JSON: .*\\u001b/);
    expect(fault.message).not.toMatch(/\p{Cc}/u);
  });

  it('should refuse a line of 2 GB after its first 16 MiB, in bounded memory', async () => {
    // Zeros compress to a thousandth, so a file of 2 MB stands for the line: what is inflated is never held.
    const member = gzipSync(Buffer.alloc(2 ** 26), { level: 1 });
    const twoGiB = Buffer.concat(Array.from({ length: 32 }, () => member));
    await withFile(twoGiB, async (path) => {
      const before = process.memoryUsage().rss;
      let most = 0;
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss - before);
      }, 5);
      const thrown = await readPreferenceFile(path).catch((error: unknown) => error);
      clearInterval(watch);
      expect(thrown).toBeInstanceOf(InputError);
      expect(thrown).toMatchObject({ where: { file: path, line: 1 } });
      expect((thrown as InputError).message).toMatch(/longer than 16 MiB/);
      expect(most).toBeLessThan(2 ** 28);
    });
  });

  it('should close the file when a reader stops early', async () => {
    await withFile(zipped(pairs(2000)), async (path) => {
      for (const open of [
        () => readJsonLines(path),
        () => readTextBytes(path),
        () => readRecords(path, []),
      ]) {
        for await (const first of open() as AsyncIterable<unknown>) {
          expect(first).toBeDefined();
          break;
        }
      }
    });
  });

  it('should refuse a folder and a missing file, naming them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dsteer-data-'));
    for (const path of [folder, join(folder, 'missing.jsonl.gz')]) {
      const thrown = await readPreferenceFile(path).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(InputError);
      expect(thrown).toMatchObject({ where: { file: path }, exitCode: 2 });
    }
    await rm(folder, { recursive: true });
  });
});

describe('broken parquet', () => {
  const table = parquetOf(columnsOf(pairs(50)), 10);

  it.each([
    ['cut off', table.subarray(0, table.length / 2)],
    ['of its magic alone', Buffer.from('PAR1PAR1')],
    ['with a footer longer than itself', Buffer.concat([table.subarray(0, -8), Buffer.from('ffffffPAR1')])],
    ['with zeros for pages', Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(1500), table.subarray(1504)])],
  ])('should refuse a file %s', async (_, content) => {
    const fault = await contentFault(content);
    expect(fault.message).toMatch(/cannot be read as parquet/);
  });

  it('should refuse texts that are no UTF-8 instead of replacing what is wrong', async () => {
    const bytes = [Buffer.from(' good'), Buffer.of(0x20, 0xc3, 0x28)];
    const data = parquetOf([
      { name: 'prompt', data: ['a', 'b'], type: 'STRING' },
      { name: 'chosen', data: bytes, type: 'BYTE_ARRAY' },
      { name: 'rejected', data: ['c', 'd'], type: 'STRING' },
    ]);
    const fault = await contentFault(data);
    expect(fault.message).toMatch(/not valid UTF-8/);
    expect(fault.where?.line).toBe(1);
  });

  it('should refuse whatever one byte is changed to, or read as many rows as before', async () => {
    const small = parquetOf(columnsOf(pairs(3)));
    for (let at = 4; at < small.length; at += 7) {
      const changed = Uint8Array.from(small);
      changed[at] = (changed[at] ?? 0) ^ 0x55;
      const outcome = await readContent(changed).then(
        ({ report }) => report.records,
        (error: unknown) => error,
      );
      if (typeof outcome === 'number') expect(outcome).toBe(3);
      else expect(outcome).toBeInstanceOf(InputError);
    }
  });

  it.each([
    ['storedBytes', /a part of \d+ bytes would have to be read at once/],
    ['inflatedBytes', /a row group decompresses to more than 3000 bytes/],
    ['rows', /a row group of 4000 rows would have to be held at once/],
  ] as const)('should refuse a row group of more %s than a limit, with a cure', async (name, message) => {
    const none = { storedBytes: 1e9, inflatedBytes: 1e9, rows: 1e9, milliseconds: 60_000 };
    const data = parquetOf(columnsOf(pairs(4000)), 4000);
    await withFile(data, async (path) => {
      let count = 0;
      for await (const row of readParquetRows(path, [], none)) count += Number(row.value !== undefined);
      expect(count).toBe(4000);
      const rows = readParquetRows(path, [], { ...none, [name]: 3000 });
      const thrown = await rows.next().catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(InputError);
      expect((thrown as InputError).message).toMatch(message);
      expect((thrown as InputError).hint).toMatch(/smaller row groups/);
    });
  });

  it('should name the row of a record that is malformed', async () => {
    const records = [...pairs(12), { prompt: 'x', chosen: 'y' }];
    const fault = await contentFault(parquetOf(columnsOf(records), 5));
    expect(fault.message).toMatch(/"rejected" must be .*null|"rejected" is missing/);
    expect(fault.where?.line).toBe(13);
  });

  const trees = 'realdata/oasst1/messages-en-70.jsonl';
  const reason = isPresent(trees) ? '' : ` (skipped: no ../shared/${trees})`;

  it.skipIf(!isPresent(trees))(`should make the same pairs of real rows as parquet${reason}`, async () => {
    const rows: Record<string, unknown>[] = [];
    for await (const { value } of readJsonLines(sharedPath(trees)))
      rows.push(value as Record<string, unknown>);
    const { tuples } = await readPreferenceFile(sharedPath(trees));
    const asParquet = await readContent(parquetOf(columnsOf(rows), 100));
    expect(asParquet.tuples).toEqual(tuples);
    expect(asParquet.report).toMatchObject({ format: 'oasst1-messages', records: 797, kept: 507 });
  });
});
