/** What files of a folder were when they were written, and whether they still are. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256OfFile } from './hash.js';

/** By name. */
export const checksumsSchema = z.record(
  z.string(),
  z.strictObject({ bytes: z.int().min(0), sha256: z.string() }),
);

export type Checksums = z.output<typeof checksumsSchema>;

/** Of the files that lie in the folder itself; hidden ones, and those set aside, are none of it. */
export const checksumsOf = async (folder: string): Promise<Checksums> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const files: Record<string, Checksums[string]> = {};
  for (const name of names.filter((one) => !one.startsWith('.') && !one.endsWith('.corrupt')).sort()) {
    const path = join(folder, name);
    files[name] = { bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
  }
  return files;
};

/** The first file that is not what it was, in words. */
export const findDamage = async (folder: string, files: Checksums): Promise<string | undefined> => {
  for (const [name, { bytes, sha256 }] of Object.entries(files)) {
    const path = join(folder, name);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) return `${name} is missing`;
    if (size !== bytes) return `${name} has ${size} bytes, and was written with ${bytes}`;
    if ((await sha256OfFile(path)) !== sha256) return `${name} is not what was written`;
  }
  return undefined;
};
