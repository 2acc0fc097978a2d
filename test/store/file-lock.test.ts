import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLock, waitForLock } from '../../src/store/file-lock.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const never = async (): Promise<boolean> => false;

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
});
