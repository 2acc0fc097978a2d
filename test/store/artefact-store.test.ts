import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ArtefactRequest, type ArtefactStore, createArtefactStore } from '../../src/store/index.js';

let root: string;
let warnings: string[];
let store: ArtefactStore;
const progress = { warn: (text: string) => void warnings.push(text), note: () => undefined };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dsteer-store-'));
  warnings = [];
  store = createArtefactStore(join(root, 'cache'), progress);
});
afterEach(() => rm(root, { recursive: true, force: true }));

let made = 0;
const request = (key: string, content: string, bytes = content.length): ArtefactRequest<string> => ({
  kind: 'texts',
  key,
  title: `text ${key}`,
  bytes,
  read: (folder) => readFile(join(folder, 'text'), 'utf8'),
  make: async () => {
    made++;
    return content;
  },
  write: (folder, value) => writeFile(join(folder, 'text'), value),
});
const fileOf = (key: string): string => join(root, 'cache', 'texts', key, 'text');

describe('the store of artefacts', () => {
  it('should make a thing once, and give it back from then on', async () => {
    made = 0;
    expect(await store.fetch(request('a', 'first'))).toEqual({ value: 'first', found: false });
    expect(await store.fetch(request('a', 'never'))).toEqual({ value: 'first', found: true });
    expect(made).toBe(1);
    expect(await store.list()).toMatchObject([{ key: 'a', title: 'text a', bytes: 5, fault: undefined }]);
    expect((await readdir(join(root, 'cache', 'texts'))).sort()).toEqual(['a']);
  });

  it('should never give back what is not what was written: set aside, warned of, made anew', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 200 }),
        fc.oneof(
          fc.record({ how: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
          fc.record({ how: fc.constantFrom('truncate' as const, 'remove' as const, 'entry' as const) }),
        ),
        async (content, fault) => {
          await rm(join(root, 'cache'), { recursive: true, force: true });
          warnings.length = 0;
          await store.fetch(request('a', content));
          const bytes = new Uint8Array(await readFile(fileOf('a')));
          if (fault.how === 'flip') {
            const at = fault.at % bytes.length;
            bytes[at] = (bytes[at] ?? 0) ^ (1 << fault.bit);
            await writeFile(fileOf('a'), bytes);
          } else if (fault.how === 'truncate') await truncate(fileOf('a'), bytes.length - 1);
          else if (fault.how === 'remove') await rm(fileOf('a'));
          else await writeFile(join(root, 'cache', 'texts', 'a', 'entry.json'), '{"schema":1');
          expect(await store.fetch(request('a', 'anew'))).toEqual({ value: 'anew', found: false });
          expect(warnings).toHaveLength(1);
          expect(warnings[0]).toMatch(/a is set aside as .*a\.corrupt and made anew: /);
          expect(await store.fetch(request('a', 'never'))).toEqual({ value: 'anew', found: true });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('should find every damaged entry when asked to look, and leave the others', async () => {
    for (const key of ['a', 'b', 'c']) await store.fetch(request(key, `content ${key}`));
    await writeFile(fileOf('b'), 'content B');
    const entries = await store.verify();
    expect(entries.filter(({ fault }) => fault !== undefined).map(({ key }) => key)).toEqual(['b']);
    expect((await store.list()).map(({ key }) => key).sort()).toEqual(['a', 'c']);
  });

  it('should make room by removing what was not used for longest', async () => {
    for (const [index, key] of ['a', 'b', 'c'].entries()) {
      await store.fetch(request(key, 'x'.repeat(100)));
      const time = new Date(Date.now() - 1e6 + index * 1e5);
      await utimes(join(root, 'cache', 'texts', key, 'entry.json'), time, time);
    }
    await store.fetch(request('a', ''));
    const removed = await store.prune({ mostBytes: 250 });
    expect(removed.map(({ key }) => key)).toEqual(['b']);
    expect((await store.list()).map(({ key }) => key)).toEqual(['a', 'c']);
    await store.prune({ unusedSince: new Date(Date.now() - 5e5) });
    expect((await store.list()).map(({ key }) => key)).toEqual(['a']);
  });

  it('should stay within its space by itself, and not keep what would fill it', async () => {
    const small = createArtefactStore(join(root, 'cache'), progress, { mostBytes: 1000 });
    expect(await small.fetch(request('large', 'x'.repeat(300)))).toEqual({
      value: 'x'.repeat(300),
      found: false,
    });
    expect(await small.list()).toEqual([]);
    for (let i = 0; i < 12; i++) await small.fetch(request(`k${i}`, 'x'.repeat(200)));
    const kept = await small.list();
    expect(kept.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(1000);
    expect(kept).toHaveLength(5);
  });

  it('should cost nothing but the keeping where it cannot be written: one warning, and the thing is made', async () => {
    await writeFile(join(root, 'cache'), 'a file where the folder should be');
    expect(await store.fetch(request('a', 'made'))).toEqual({ value: 'made', found: false });
    expect(await store.fetch(request('b', 'made too'))).toEqual({ value: 'made too', found: false });
    expect(warnings).toEqual([expect.stringContaining('is not used for writing')]);
  });

  it('should pass on what goes wrong in the making, and let the next try', async () => {
    const failing = { ...request('a', ''), make: () => Promise.reject(new RangeError('no such thing')) };
    await expect(store.fetch(failing)).rejects.toThrow('no such thing');
    expect(await store.fetch(request('a', 'made'))).toEqual({ value: 'made', found: false });
  });

  it('should remove what killed processes left, once it is old, and no living process’s', async () => {
    const folder = join(root, 'cache', 'texts');
    await mkdir(folder, { recursive: true });
    // No process has the largest id that there can be.
    const left = ['.a.4194303.0123abcd.tmp', `.b.${process.pid}.0123abcd.tmp`, '.c.4194303.89abcdef.tmp'];
    for (const name of left) await mkdir(join(folder, name));
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const name of left.slice(0, 2)) await utimes(join(folder, name), old, old);
    await store.prune({});
    expect((await readdir(folder)).sort()).toEqual(left.slice(1).sort());
  });
});
