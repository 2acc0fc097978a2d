/**
 * Locks between processes, as files. A holder that was killed is noticed: on this machine by its process, elsewhere by
 * the lock's age, which a living holder keeps young. Should two ever hold one lock, they do the same work twice; nothing
 * that dsteer writes rests on a lock to be whole.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './is-alive.js';
import { explainingWriteFaults } from './write-fault.js';

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
  readonly token: string;
}

export interface FileLock {
  /** Gives it back; harmless when repeated. */
  release(): Promise<void>;
}

export interface FileLockTimes {
  /** Age in milliseconds from which a lock counts as left behind. Default 60,000. */
  readonly staleAfter?: number;
  /** Milliseconds between two looks, and a tenth of the beats that keep a lock young. Default 200. */
  readonly poll?: number;
}

const held = new Map<string, string>();
let releasesAtExit = false;

const releaseAtExit = (): void => {
  if (releasesAtExit) return;
  releasesAtExit = true;
  process.on('exit', () => {
    for (const [path, token] of held) {
      // Another may have broken it and hold its own by now.
      if (existsSync(path) && readFileSync(path, 'utf8').includes(token)) rmSync(path, { force: true });
    }
  });
};

/** Undefined where there is no lock; a lock being written has no holder yet. */
const readHolder = async (path: string): Promise<Partial<LockHolder> | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Partial<LockHolder>;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : {};
  }
};

const isLeftBehind = async (
  path: string,
  { pid, host }: Partial<LockHolder>,
  staleAfter: number,
): Promise<boolean> => {
  if (host === hostname() && pid !== undefined && !isAlive(pid)) return true;
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  return age > staleAfter;
};

/** Takes a lock that was left behind out of the way; gives it back where another was quicker and it is a new one. */
const breakLock = async (path: string, { token }: Partial<LockHolder>): Promise<void> => {
  const aside = `${path}.${randomUUID().slice(0, 8)}`;
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  const taken = await readHolder(aside);
  if (taken?.token === token) await rm(aside, { force: true });
  else await rename(aside, path).catch(() => undefined);
};

const create = async (path: string, holder: LockHolder): Promise<boolean> => {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    await handle.writeFile(JSON.stringify(holder));
  } finally {
    await handle.close();
  }
  return true;
};

/**
 * Takes the lock at `path` if nobody has it.
 *
 * @returns the lock, or who holds it
 * @throws ResourceError where no file can be written there
 */
export const tryLock = (
  path: string,
  { staleAfter = 60_000, poll = 200 }: FileLockTimes = {},
): Promise<FileLock | { readonly heldBy: Partial<LockHolder> }> =>
  explainingWriteFaults(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    const token = randomUUID();
    const own = { pid: process.pid, host: hostname(), since: new Date().toISOString(), token };
    // Bounded: a lock that comes back as often as it is broken is somebody's.
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await create(path, own)) {
        held.set(path, token);
        releaseAtExit();
        const beat = setInterval(() => {
          const now = new Date();
          utimes(path, now, now).catch(() => undefined);
        }, poll * 10);
        beat.unref();
        return {
          release: async () => {
            clearInterval(beat);
            if (held.get(path) !== token) return;
            held.delete(path);
            if ((await readHolder(path))?.token === token) await rm(path, { force: true });
          },
        };
      }
      const holder = await readHolder(path);
      if (holder === undefined) continue;
      if (!(await isLeftBehind(path, holder, staleAfter))) return { heldBy: holder };
      await breakLock(path, holder);
    }
    return { heldBy: (await readHolder(path)) ?? {} };
  });

/**
 * Waits for the lock at `path`, or until there is no need of it any more.
 *
 * @param needless asked at each look; where it says yes, the result is undefined
 */
export const waitForLock = async (
  path: string,
  needless: () => Promise<boolean>,
  times: FileLockTimes = {},
): Promise<FileLock | undefined> => {
  for (;;) {
    const lock = await tryLock(path, times);
    if ('release' in lock) return lock;
    if (await needless()) return undefined;
    await sleep(times.poll ?? 200);
  }
};
