import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { forgetTemporary, temporaryBeside } from './temporary-files.js';
import { explainingWriteFaults } from './write-fault.js';

/** A file that appears under its name only once it is complete. */
export interface AtomicFile {
  /** Appends, or writes at `position` in bytes. @throws ResourceError where the system refuses */
  write(bytes: Uint8Array, position?: number): Promise<void>;
  /** Gives the file its length at once. @throws ResourceError where the system refuses */
  resize(bytes: number): Promise<void>;
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
      write: (bytes, position) =>
        explainingWriteFaults(path, async () => {
          for (let done = 0; done < bytes.byteLength; ) {
            const at = position === undefined ? null : position + done;
            done += (await handle.write(bytes, done, bytes.byteLength - done, at)).bytesWritten;
          }
        }),
      resize: (bytes) => explainingWriteFaults(path, () => handle.truncate(bytes)),
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
export const writeFileAtomic = async (path: string, content: Uint8Array | string): Promise<void> => {
  const file = await openAtomicFile(path);
  try {
    await file.write(typeof content === 'string' ? Buffer.from(content) : content);
    await file.commit();
  } finally {
    await file.abandon();
  }
};
