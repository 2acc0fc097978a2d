import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A path beside the repository, where golden files made by other implementations lie. */
export const sharedPath = (path: string): string =>
  fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));

export const isPresent = (path: string): boolean => existsSync(sharedPath(path));

/** Gives `use` the path of a file with this content, and removes it. */
export const withFile = async <T>(
  content: string | Uint8Array,
  use: (path: string) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'dsteer-data-'));
  try {
    const path = join(folder, 'input.jsonl');
    await writeFile(path, content);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
