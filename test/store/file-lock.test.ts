import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { promises, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tryLock, waitForLock } from '../../src/store/file-lock.js';
import { removeStaleTemporaries } from '../../src/store/temporary-files.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const never = async (): Promise<boolean> => false;

/** Runs with another way to give a file its second name. */
const withLink = async (link: typeof promises.link, run: () => Promise<void>): Promise<void> => {
  const spy = vi.spyOn(promises, 'link').mockImplementation(link);
  syncBuiltinESMExports();
  try {
    await run();
    expect(spy).toHaveBeenCalled();
  } finally {
    spy.mockRestore();
    syncBuiltinESMExports();
  }
};

const refusing = (code: string) => Promise.reject(Object.assign(new Error('no link'), { code }));

describe('a lock between processes', () => {
  it('should be held by one at a time, and say who that is', async () => {
    const lock = await tryLock(path);
    expect('release' in lock).toBe(true);
    expect(await tryLock(path)).toMatchObject({ heldBy: { pid: process.pid, host: hostname() } });
    if ('release' in lock) await lock.release();
    const next = await tryLock(path);
    expect('release' in next).toBe(true);
    if ('release' in next) await next.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('should be taken at once from a holder that was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const holder = { pid: child.pid, host: hostname(), since: new Date().toISOString(), token: 'theirs' };
    await writeFile(path, JSON.stringify(holder));
    expect(await tryLock(path)).toMatchObject({ heldBy: { pid: child.pid } });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await tryLock(path);
    expect('release' in lock).toBe(true);
    if ('release' in lock) await lock.release();
  });

  it('should be taken from a holder elsewhere only once its lock is old, and be kept young by a living one', async () => {
    await writeFile(path, JSON.stringify({ pid: 1, host: 'elsewhere', since: '', token: 'theirs' }));
    expect(await tryLock(path)).toMatchObject({ heldBy: { host: 'elsewhere' } });
    const old = new Date(Date.now() - 61_000);
    await utimes(path, old, old);
    const lock = await tryLock(path, { poll: 5 });
    expect('release' in lock).toBe(true);
    await utimes(path, old, old);
    await sleep(150);
    expect(Date.now() - (await stat(path)).mtimeMs).toBeLessThan(30_000);
    if ('release' in lock) await lock.release();
  });

  it('should be waited for, unless what it guards is there meanwhile', async () => {
    const first = await waitForLock(path, never, { poll: 5 });
    let looks = 0;
    expect(await waitForLock(path, async () => ++looks > 3, { poll: 5 })).toBeUndefined();
    const second = waitForLock(path, never, { poll: 5 });
    await first?.release();
    await (await second)?.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('should never let two into what it guards, whatever locks were left behind', async () => {
    let inside = 0;
    let most = 0;
    let entries = 0;
    await writeFile(path, JSON.stringify({ pid: 4194303, host: hostname(), since: '', token: 'dead' }));
    const enter = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        const lock = await waitForLock(path, never, { poll: 1 });
        inside++;
        most = Math.max(most, inside);
        entries++;
        await sleep(1);
        inside--;
        await lock?.release();
      }
    };
    await Promise.all(Array.from({ length: 6 }, enter));
    expect([most, entries]).toEqual([1, 60]);
  });

  it.each([
    ['nothing', ''],
    ['half a holder', '{"pid":12,"ho'],
    ['zeros, as after a power cut', '\0'.repeat(90)],
    ['something else', 'null'],
  ])('should be taken within seconds where a killed writer left %s in it', async (_what, text) => {
    await writeFile(path, text);
    expect(await tryLock(path)).toEqual({ heldBy: {} });
    const old = new Date(Date.now() - 3000);
    await utimes(path, old, old);
    const lock = await tryLock(path);
    expect('release' in lock).toBe(true);
    expect(await tryLock(path)).toMatchObject({ heldBy: { pid: process.pid } });
    if ('release' in lock) await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('should not be taken so soon where it cannot be read: its holder may live', async () => {
    await mkdir(path);
    const old = new Date(Date.now() - 3000);
    await utimes(path, old, old);
    expect(await tryLock(path)).toEqual({ heldBy: {} });
  });

  it('should never be there without its holder, however many want it', async () => {
    let isOver = false;
    const seen: string[] = [];
    const watch = async (): Promise<void> => {
      while (!isOver) {
        try {
          seen.push(readFileSync(path, 'utf8'));
        } catch {
          // Nobody has it now.
        }
        await turn();
      }
    };
    const enter = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await (await waitForLock(path, never, { poll: 1 }))?.release();
    };
    const watching = watch();
    await Promise.all(Array.from({ length: 4 }, enter));
    isOver = true;
    await watching;
    expect(seen.length).toBeGreaterThan(50);
    expect(seen.filter((text) => !text.includes('"token"'))).toEqual([]);
  });

  it('should leave only what the next run removes, where its writer is killed before it is there', async () => {
    let left: string[] = [];
    const killed = async (): Promise<void> => {
      left = await readdir(folder);
      await refusing('EEXIST');
    };
    await withLink(killed, async () => {
      expect(await tryLock(path)).toEqual({ heldBy: {} });
    });
    expect(left).toHaveLength(1);
    const dead = left.map((name) => name.replace(`.${process.pid}.`, '.4194303.'));
    for (const name of dead) await writeFile(join(folder, name), '');
    await removeStaleTemporaries(folder);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    'EPERM',
    'ENOTSUP',
    'ENOSYS',
    'EISDIR',
  ])('should be held by one at a time where files have one name only, and links end in %s', (code) =>
    withLink(
      () => refusing(code),
      async () => {
        const lock = await tryLock(path);
        expect('release' in lock).toBe(true);
        expect(await readdir(folder)).toEqual(['lock']);
        expect(await tryLock(path)).toMatchObject({ heldBy: { pid: process.pid } });
        if ('release' in lock) await lock.release();
        expect(await readdir(folder)).toEqual([]);
      },
    ));
});
