/**
 * Locks between processes, as files. A holder that was killed is noticed: on this machine by its process, elsewhere by
 * the lock's age, which a living holder keeps young. Should two ever hold one lock, they do the same work twice; nothing
 * that dsteer writes rests on a lock to be whole.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { link, mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './is-alive.js';
import { forgetTemporary, temporaryBeside } from './temporary-files.js';
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
  /** Age in milliseconds from which a lock counts as left behind; one without a holder, sooner. Default 60,000. */
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

/** Milliseconds from which a lock without a holder counts as left behind: writing one takes far less. */
const TORN_AFTER = 2000;

interface Sight {
  /** Empty where it is not known. */
  readonly holder: Partial<LockHolder>;
  /** What is in the lock is no holder: its writer was killed, or is only just writing. */
  readonly isTorn: boolean;
}

const parseHolder = (text: string): LockHolder | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'token' in value
      ? (value as LockHolder)
      : undefined;
  } catch {
    return undefined;
  }
};

/** Undefined where there is no lock. One that cannot be read may well have a holder. */
const look = async (path: string): Promise<Sight | undefined> => {
  try {
    const holder = parseHolder(await readFile(path, 'utf8'));
    return { holder: holder ?? {}, isTorn: holder === undefined };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : { holder: {}, isTorn: false };
  }
};

const isLeftBehind = async (
  path: string,
  { holder: { pid, host }, isTorn }: Sight,
  staleAfter: number,
): Promise<boolean> => {
  if (host === hostname() && pid !== undefined && !isAlive(pid)) return true;
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  return age > (isTorn ? Math.min(TORN_AFTER, staleAfter) : staleAfter);
};

/** Takes a lock that was left behind out of the way; gives it back where another was quicker and it is a new one. */
const breakLock = async (path: string, { token }: Partial<LockHolder>): Promise<void> => {
  const aside = temporaryBeside(path);
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (moved) {
    if ((await look(aside))?.holder.token === token) await rm(aside, { force: true });
    else await rename(aside, path).catch(() => undefined);
  }
  forgetTemporary(aside);
};

const isTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST';

/** Where files have one name only: killed between the two steps, a process leaves a lock without its holder. */
const createInPlace = async (path: string, text: string): Promise<boolean> => {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, 'wx');
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
  try {
    await handle.writeFile(text);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return true;
};

/** The lock appears with its holder in it, by a second name for a whole file: unlike a rename, that replaces nothing. */
const create = async (path: string, holder: LockHolder): Promise<boolean> => {
  const text = JSON.stringify(holder);
  const temporary = temporaryBeside(path);
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await link(temporary, path);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    // Systems without such names refuse them in many words; what else is wrong is met again in place.
    return await createInPlace(path, text);
  } finally {
    await rm(temporary, { force: true });
    forgetTemporary(temporary);
  }
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
      const sight = await look(path);
      if (sight === undefined) {
        if (!(await create(path, own))) continue;
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
            if ((await look(path))?.holder.token === token) await rm(path, { force: true });
          },
        };
      }
      if (!(await isLeftBehind(path, sight, staleAfter))) return { heldBy: sight.holder };
      await breakLock(path, sight.holder);
    }
    return { heldBy: (await look(path))?.holder ?? {} };
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
