/**
 * Models whose every weight follows from its name, so that a golden file of another implementation needs no weights: it
 * lists names, shapes and ranges, and both sides compute the numbers in exact 32-bit arithmetic.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '../../src/store/index.js';

export interface SyntheticTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Values are uniform in center ± width. */
  readonly center: number;
  readonly width: number;
}

/** FNV-1a of the UTF-8 bytes. */
const seedOf = (name: string): number =>
  new TextEncoder().encode(name).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);

/** A 32-bit finaliser: xor-shifts and two odd multipliers. */
const mix = (value: number): number => {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
};

/** Element i is center + width·(2u − 1), u = mix(seed + i·0x9e3779b9) / 2³², rounded to float32. */
export const syntheticValues = ({ name, shape, center, width }: SyntheticTensor): Float32Array => {
  const seed = seedOf(name);
  return Float32Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    (_, i) => center + width * (2 * (mix(seed + Math.imul(i, 0x9e3779b9)) / 2 ** 32) - 1),
  );
};

/** Gives `use` a model folder of these tensors, and removes it. */
export const withSyntheticModel = async <T>(
  { config, tensors }: { readonly config: unknown; readonly tensors: readonly SyntheticTensor[] },
  use: (folder: string) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'dsteer-synthetic-'));
  try {
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    await writeSafetensors(
      join(folder, 'model.safetensors'),
      Object.fromEntries(
        tensors.map((tensor) => [tensor.name, { shape: tensor.shape, data: syntheticValues(tensor) }]),
      ),
    );
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};
