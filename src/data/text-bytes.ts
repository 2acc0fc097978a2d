import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** The first bytes of a file; fewer where it is shorter. */
export const readStart = async (handle: FileHandle, length: number): Promise<Buffer> => {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
};

const isGzip = (start: Uint8Array): boolean => start[0] === 0x1f && start[1] === 0x8b;

/**
 * The bytes of a text file, chunk by chunk; gzip is told by its first bytes, whatever the file is called, and
 * decompressed on the way.
 *
 * @throws what `open`, reading or zlib throws
 */
export async function* readTextBytes(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file);
  try {
    const gzipped = isGzip(await readStart(handle, 2));
    const stored = handle.createReadStream({ start: 0, autoClose: false });
    if (!gzipped) {
      yield* stored as AsyncIterable<Buffer>;
      return;
    }
    const text = createGunzip();
    // The callback has nothing to add: an error of either stream is thrown by the iteration below.
    pipeline(stored, text, () => undefined);
    yield* text as AsyncIterable<Buffer>;
  } finally {
    await handle.close();
  }
}
