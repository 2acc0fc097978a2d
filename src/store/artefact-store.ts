/**
 * Artefacts that cost time, kept under the hash of all that they depend on: an entry is a folder `KIND/KEY` of files with
 * an `entry.json` that holds their checksums. Entries appear whole, by a rename; they are verified whenever they are read;
 * among processes that want the same one, one makes it and the others wait.
 */
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DsteerError, type Progress } from '../base/index.js';
import { writeFileAtomic } from './atomic-file.js';
import { checksumsOf, checksumsSchema, findDamage } from './checksums.js';
import { type FileLock, waitForLock } from './file-lock.js';
import { setAside } from './set-aside.js';
import { stableJson } from './stable-json.js';
import { forgetTemporary, removeStaleTemporaries, temporaryBeside } from './temporary-files.js';
import { explainingWriteFaults } from './write-fault.js';

const entryFile = 'entry.json';
const lockSuffix = '.lock';
const corruptSuffix = '.corrupt';

const entrySchema = z.strictObject({
  schema: z.literal(1),
  title: z.string(),
  made: z.string(),
  files: checksumsSchema,
});

export interface ArtefactRequest<Value> {
  /** What sort of thing it is: the name of a folder. */
  readonly kind: string;
  /** Hash of all that decides its content. */
  readonly key: string;
  /** What `dsteer cache list` calls it. */
  readonly title: string;
  /** Bytes that it will take; too large ones are made without being kept. */
  readonly bytes: number;
  /** Reads an entry whose files are those that were written. */
  read(folder: string): Promise<Value>;
  make(): Promise<Value>;
  /** Writes the files of an entry into a folder. */
  write(folder: string, value: Value): Promise<void>;
}

export interface StoredArtefact {
  readonly kind: string;
  readonly key: string;
  readonly title: string;
  /** Of all files. */
  readonly bytes: number;
  readonly made: Date;
  readonly lastUsed: Date;
  /** Why it cannot be used. Known of `verify` alone, but for entries that cannot be read at all. */
  readonly fault: string | undefined;
}

export interface PruneOptions {
  /** Remove what was not used since. */
  readonly unusedSince?: Date;
  /** Then remove what was not used for longest, until no more than this is left. */
  readonly mostBytes?: number;
}

export interface ArtefactStore {
  readonly folder: string;
  /**
   * The artefact, from the store or made now and kept. Trouble of the store (a full disk, a folder that cannot be written
   * to) is warned of once and costs nothing but the keeping.
   */
  fetch<Value>(request: ArtefactRequest<Value>): Promise<{ readonly value: Value; readonly found: boolean }>;
  /** Last used first. */
  list(): Promise<StoredArtefact[]>;
  /** `list` with every file read and compared with its checksum; entries with a fault are set aside. */
  verify(): Promise<StoredArtefact[]>;
  /** Removes entries, what was set aside, and what killed processes left. @returns the entries removed */
  prune(options: PruneOptions): Promise<StoredArtefact[]>;
}

type Entry = z.output<typeof entrySchema>;

const readEntry = async (folder: string): Promise<Entry | string> => {
  try {
    return entrySchema.parse(JSON.parse(await readFile(join(folder, entryFile), 'utf8')));
  } catch {
    return `${entryFile} cannot be read`;
  }
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const foldersIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
};

const largestShare = 1 / 4;

/**
 * A store in a folder, which is made when something is first kept.
 *
 * @param mostBytes the space it may take by itself: what was not used for longest makes room. Default 2 GiB
 */
export const createArtefactStore = (
  folder: string,
  progress: Pick<Progress, 'warn' | 'note'>,
  { mostBytes = 2 * 2 ** 30 }: { readonly mostBytes?: number } = {},
): ArtefactStore => {
  const placeOf = (kind: string, key: string): string => join(folder, kind, key);
  let complained = false;
  const complain = (error: unknown): void => {
    if (!(error instanceof DsteerError)) throw error;
    if (complained) return;
    complained = true;
    progress.warn(`the cache in ${folder} is not used for writing: ${error.message}`);
  };

  /** Folder of a whole entry. */
  const find = async (kind: string, key: string): Promise<string | undefined> => {
    const place = placeOf(kind, key);
    if (!(await exists(place))) return undefined;
    const entry = await readEntry(place);
    const fault = typeof entry === 'string' ? entry : await findDamage(place, entry.files);
    if (fault === undefined) {
      const now = new Date();
      await utimes(join(place, entryFile), now, now).catch(() => undefined);
      return place;
    }
    await setAside(place, fault, progress).catch(() => progress.warn(`${place} is not used: ${fault}`));
    return undefined;
  };

  const entriesOf = async (check: boolean): Promise<StoredArtefact[]> => {
    const found: StoredArtefact[] = [];
    for (const kind of await foldersIn(folder)) {
      for (const key of await foldersIn(join(folder, kind))) {
        if (key.startsWith('.') || key.endsWith(corruptSuffix)) continue;
        const place = placeOf(kind, key);
        const entry = await readEntry(place);
        const written = await stat(join(place, entryFile)).catch(() => undefined);
        const lastUsed = written?.mtime ?? new Date(0);
        if (typeof entry === 'string') {
          found.push({ kind, key, title: '?', bytes: 0, made: lastUsed, lastUsed, fault: entry });
          continue;
        }
        const bytes = Object.values(entry.files).reduce((sum, file) => sum + file.bytes, 0);
        const fault = check ? await findDamage(place, entry.files) : undefined;
        found.push({ kind, key, title: entry.title, bytes, made: new Date(entry.made), lastUsed, fault });
      }
    }
    return found.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime() || (a.key < b.key ? -1 : 1));
  };

  /** Renamed away first, so that nobody reads an entry that is half gone. */
  const remove = async ({ kind, key }: StoredArtefact): Promise<void> => {
    const place = placeOf(kind, key);
    const gone = temporaryBeside(place);
    const moved = await rename(place, gone).then(
      () => true,
      () => false,
    );
    if (moved) await rm(gone, { recursive: true, force: true });
    forgetTemporary(gone);
  };

  const prune = async ({ unusedSince, mostBytes: most }: PruneOptions): Promise<StoredArtefact[]> => {
    await removeStaleTemporaries(folder, { olderThan: 3_600_000 });
    for (const kind of await foldersIn(folder)) {
      for (const name of await foldersIn(join(folder, kind))) {
        if (name.endsWith(corruptSuffix)) {
          await rm(join(folder, kind, name), { recursive: true, force: true });
        }
      }
    }
    const removed: StoredArtefact[] = [];
    let left = 0;
    for (const entry of await entriesOf(false)) {
      const isOld = unusedSince !== undefined && entry.lastUsed < unusedSince;
      if (entry.fault === undefined && !isOld && (most === undefined || left + entry.bytes <= most)) {
        left += entry.bytes;
        continue;
      }
      await remove(entry);
      removed.push(entry);
    }
    return removed;
  };

  const keep = async <Value>(
    { kind, key, title, write }: ArtefactRequest<Value>,
    value: Value,
  ): Promise<void> => {
    const place = placeOf(kind, key);
    const temporary = temporaryBeside(place);
    try {
      await explainingWriteFaults(place, async () => {
        await mkdir(temporary, { recursive: true });
        await write(temporary, value);
        const entry: Entry = {
          schema: 1,
          title,
          made: new Date().toISOString(),
          files: await checksumsOf(temporary),
        };
        await writeFileAtomic(join(temporary, entryFile), stableJson(entry));
        // Where another process was quicker, its entry is this one's equal.
        if (!(await exists(place))) await rename(temporary, place);
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
      forgetTemporary(temporary);
    }
    await prune({ mostBytes });
  };

  return {
    folder,
    fetch: async (request) => {
      const { kind, key, bytes, read, make } = request;
      const readFound = async () => {
        const found = await find(kind, key);
        if (found === undefined) return undefined;
        try {
          return { value: await read(found), found: true };
        } catch (error) {
          // Another process made room meanwhile.
          if (await exists(found)) throw error;
          return undefined;
        }
      };
      const ready = await readFound();
      if (ready !== undefined) return ready;
      if (bytes > mostBytes * largestShare) return { value: await make(), found: false };
      let lock: FileLock | undefined;
      try {
        lock = await waitForLock(`${placeOf(kind, key)}${lockSuffix}`, () => exists(placeOf(kind, key)));
      } catch (error) {
        complain(error);
        return { value: await make(), found: false };
      }
      try {
        // Whoever had the lock may have made it.
        const made = await readFound();
        if (made !== undefined) return made;
        const value = await make();
        await keep(request, value).catch(complain);
        return { value, found: false };
      } finally {
        await lock?.release();
      }
    },
    list: () => entriesOf(false),
    verify: async () => {
      const entries = await entriesOf(true);
      for (const { kind, key, fault } of entries) {
        if (fault !== undefined) await setAside(placeOf(kind, key), fault, progress);
      }
      return entries;
    },
    prune,
  };
};
