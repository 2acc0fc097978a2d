import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { forgetTemporary, temporaryBeside } from './temporary-files.js';
import { explainingWriteFaults } from './write-fault.js';

/** A file that appears under its name only once it is complete. */
export interface AtomicFile {
  readonly handle: FileHandle;
  /** Flushes to the disk and takes the final name, replacing what had it. @throws ResourceError where the system refuses */
  commit(): Promise<void>;
  /** Removes the unfinished file; harmless after `commit`. */
  abandon(): Promise<void>;
}

/**
 * Opens a temporary file beside `path`, whose folder is made if absent: a rename within a folder is atomic.
 *
 * @throws ResourceError where the folder cannot be made or written to
 */
export const openAtomicFile = (path: string): Promise<AtomicFile> =>
  explainingWriteFaults(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    const temporary = temporaryBeside(path);
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
      commit: () =>
        explainingWriteFaults(path, async () => {
          await handle.sync();
          await close();
          await rename(temporary, path);
          committed = true;
          forgetTemporary(temporary);
        }),
      abandon: async () => {
        await close();
        if (committed) return;
        await rm(temporary, { force: true });
        forgetTemporary(temporary);
      },
    };
  });

/**
 * Writes a whole file so that a reader sees the old content or the new one, never a part.
 *
 * @throws ResourceError where the system refuses: a full disk, a read-only folder
 */
export const writeFileAtomic = (path: string, content: Uint8Array | string): Promise<void> =>
  explainingWriteFaults(path, async () => {
    const file = await openAtomicFile(path);
    try {
      await file.handle.writeFile(content);
      await file.commit();
    } catch (error) {
      await file.abandon();
      throw error;
    }
  });
