import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file that appears under its name only once it is complete. */
export interface AtomicFile {
  readonly handle: FileHandle;
  /** Flushes to the disk and takes the final name, replacing what had it. */
  commit(): Promise<void>;
  /** Removes the unfinished file; harmless after `commit`. */
  abandon(): Promise<void>;
}

/** Opens a temporary file beside `path`, whose folder is made if absent: a rename within a folder is atomic. */
export const openAtomicFile = async (path: string): Promise<AtomicFile> => {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${randomUUID().slice(0, 8)}.tmp`);
  const handle = await open(temporary, 'wx+');
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await handle.close();
  };
  let committed = false;
  return {
    handle,
    commit: async () => {
      await handle.sync();
      await close();
      await rename(temporary, path);
      committed = true;
    },
    abandon: async () => {
      await close();
      if (!committed) await rm(temporary, { force: true });
    },
  };
};

/** Writes a whole file so that a reader sees the old content or the new one, never a part. */
export const writeFileAtomic = async (path: string, content: Uint8Array | string): Promise<void> => {
  const file = await openAtomicFile(path);
  try {
    await file.handle.writeFile(content);
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
};
