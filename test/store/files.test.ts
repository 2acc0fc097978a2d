import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatCsv, openAtomicFile, sha256Hex, stableJson, writeFileAtomic } from '../../src/store/index.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('atomic files', () => {
  it('should replace a file whole and leave no temporary one', async () => {
    const path = join(folder, 'deep', 'file.txt');
    await writeFileAtomic(path, 'old and long');
    await writeFileAtomic(path, 'new');
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(join(folder, 'deep'))).toEqual(['file.txt']);
  });

  it('should keep the old file while the new one is unfinished or abandoned', async () => {
    const path = join(folder, 'kept.txt');
    await writeFileAtomic(path, 'old');
    const file = await openAtomicFile(path);
    await file.write(Buffer.from('half of the ne'));
    expect(await readFile(path, 'utf8')).toBe('old');
    await file.abandon();
    expect(await readFile(path, 'utf8')).toBe('old');
  });
});

describe('sha256Hex', () => {
  it('should agree with the published digest of "abc", as text and as bytes', () => {
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(sha256Hex('abc')).toBe(digest);
    expect(sha256Hex(new Uint8Array([0x61, 0x62, 0x63]))).toBe(digest);
  });
});

describe('stableJson', () => {
  it('should keep the order of keys', () => {
    expect(stableJson({ b: 1, a: [true, null] })).toBe(
      '{\n  "b": 1,\n  "a": [\n    true,\n    null\n  ]\n}\n',
    );
  });

  it('should refuse a number that JSON cannot say, naming its place', () => {
    expect(() => stableJson({ a: [{ b: Number.NaN }] })).toThrow(/a\.0\.b is NaN/);
  });
});

describe('formatCsv', () => {
  it('should quote what needs quotes, and leave numbers that are none empty', () => {
    const rows = [
      [1, 'plain'],
      [0.5, 'a "b", c'],
      [Number.NaN, 'two\nlines'],
    ];
    expect(formatCsv(['id', 'text'], rows)).toBe(
      'id,text\r\n1,plain\r\n0.5,"a ""b"", c"\r\n,"two\nlines"\r\n',
    );
  });
});
