/**
 * Names under which files and folders grow until they are whole. Each names its process, so that what a killed one left
 * can be told from what another is writing.
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isAlive } from './is-alive.js';

const ownTemporaries = new Set<string>();

/** Synchronous, since a process that ends waits for nothing. */
const removeOwn = (): void => {
  for (const path of ownTemporaries) rmSync(path, { recursive: true, force: true });
};

/** A name beside `path` that is removed when this process ends, unless it is forgotten before. */
export const temporaryBeside = (path: string): string => {
  if (ownTemporaries.size === 0 && !process.listeners('exit').includes(removeOwn)) {
    process.on('exit', removeOwn);
  }
  const name = `.${basename(path)}.${process.pid}.${randomUUID().slice(0, 8)}.tmp`;
  const temporary = join(dirname(path), name);
  ownTemporaries.add(temporary);
  return temporary;
};

/** It has its final name, or is gone. */
export const forgetTemporary = (temporary: string): void => {
  ownTemporaries.delete(temporary);
};

const ownerOf = (name: string): number | undefined => {
  const [, pid] = /^\..+\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name) ?? [];
  return pid === undefined ? undefined : Number(pid);
};

/**
 * Removes what processes that are gone left unfinished anywhere in `folder`, if there is one.
 *
 * @param olderThan milliseconds; where processes of other machines write too, whose life cannot be seen from here
 */
export const removeStaleTemporaries = async (
  folder: string,
  { olderThan = 0 }: { readonly olderThan?: number } = {},
): Promise<void> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const { name, parentPath } of entries) {
    const owner = ownerOf(name);
    if (owner === undefined || isAlive(owner)) continue;
    const path = join(parentPath, name);
    const written = await stat(path).catch(() => undefined);
    if (written && Date.now() - written.mtimeMs >= olderThan)
      await rm(path, { recursive: true, force: true });
  }
};
