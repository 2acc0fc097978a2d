import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from './hash.js';

let hash: Promise<string> | undefined;

const compute = async (): Promise<string> => {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..');
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /\.(js|ts|wasm)$/.test(name) && !name.endsWith('.d.ts'))
    .sort();
  // Every run of every process begins with it: of hundreds of files of a few KiB, streams take ten times the reading.
  const lines = names.map((name) => `${name} ${sha256Hex(readFileSync(join(folder, name)))}`);
  return sha256Hex(lines.join('\n'));
};

/** SHA-256 of dsteer's own code: results of other code are not taken for this one's. */
export const codeHash = (): Promise<string> => {
  hash ??= compute();
  return hash;
};
