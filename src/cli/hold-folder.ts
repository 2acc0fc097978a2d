import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../base/index.js';
import { explainingWriteFaults, type FileLock, removeStaleTemporaries, tryLock } from '../store/index.js';
import type { CommandContext } from './command-context.js';
import { resumeCommand } from './resume-command.js';

const lockOf = async (folder: string): Promise<FileLock> => {
  const lock = await tryLock(join(folder, '.dsteer.lock'));
  if ('release' in lock) return lock;
  const { pid, host, since } = lock.heldBy;
  throw new UsageError(
    `another dsteer is writing there${pid === undefined ? '' : `: process ${pid} on ${host}, since ${since}`}`,
    { where: { file: folder }, hint: 'wait until it has ended, or name another folder with --out' },
  );
};

/** The first of `name`, `name-2`, … that did not exist; it does now. */
const newFolder = async (name: string): Promise<string> => {
  for (let number = 1; ; number++) {
    const folder = number === 1 ? name : `${name}-${number}`;
    if ((await mkdir(folder, { recursive: true })) !== undefined) return folder;
  }
};

/**
 * Runs what writes to a folder, which is this process's alone meanwhile: first it removes what killed processes left
 * unfinished there, and tells how an interrupted command goes on. A folder that nothing was written to is not left behind.
 *
 * @param asked the folder that the user names, or the name of a new one
 * @throws UsageError where another process is writing there; ResourceError where nothing can be written
 */
export const holdingFolder = async <Value>(
  asked: { readonly folder: string } | { readonly newFolder: string },
  context: CommandContext,
  run: (folder: string) => Promise<Value>,
): Promise<Value> => {
  const name = 'folder' in asked ? asked.folder : asked.newFolder;
  const { folder, isNew } = await explainingWriteFaults(name, async () => {
    if ('newFolder' in asked) return { folder: await newFolder(name), isNew: true };
    return { folder: name, isNew: (await mkdir(name, { recursive: true })) !== undefined };
  });
  const lock = await lockOf(folder);
  try {
    await removeStaleTemporaries(folder);
    context.onResumable(resumeCommand(context.words, folder));
    return await run(folder);
  } finally {
    await lock.release();
    // Refused where there is something in it.
    if (isNew) await rmdir(folder).catch(() => undefined);
  }
};
