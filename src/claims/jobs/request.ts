/** Names everything that a job's result depends on: code, engine, specification, inputs, seed. */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex, sha256OfFile, stableJson } from '../../store/index.js';
import type { InputHash } from '../inputs.js';
import type { Job } from './job.js';

let code: Promise<string> | undefined;

const hashCode = async (): Promise<string> => {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /\.(js|ts|wasm)$/.test(name))
    .sort();
  const hashes = await Promise.all(names.map((name) => sha256OfFile(join(folder, name))));
  return sha256Hex(names.map((name, index) => `${name} ${hashes[index]}`).join('\n'));
};

/** Fingerprint of a job without its tasks; equal ones may share results. */
export const requestOf = async (job: Job, engine: string, inputs: readonly InputHash[]): Promise<string> => {
  code ??= hashCode();
  return sha256Hex(
    stableJson({
      code: await code,
      engine,
      experiment: job.experiment?.value ?? null,
      seed: job.seed,
      inputs: inputs.map(({ sha256 }) => sha256),
    }),
  );
};
