import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex, sha256OfFile } from './hash.js';

let hash: Promise<string> | undefined;

const compute = async (): Promise<string> => {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..');
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /\.(js|ts|wasm)$/.test(name))
    .sort();
  const hashes = await Promise.all(names.map((name) => sha256OfFile(join(folder, name))));
  return sha256Hex(names.map((name, index) => `${name} ${hashes[index]}`).join('\n'));
};

/** SHA-256 of dsteer's own code: results of other code are not taken for this one's. */
export const codeHash = (): Promise<string> => {
  hash ??= compute();
  return hash;
};
