import { describe } from 'vitest';
import { openActivations } from '../../src/activations/index.js';
import { encodeSafetensorsHeader, openSafetensors, type TensorEntry } from '../../src/store/index.js';
import { itObeysTheLaw, type Seed } from './parser-law.js';

const parse = async (path: string): Promise<void> => {
  const file = await openSafetensors(path);
  try {
    for (const [name, { shape }] of file.tensors) {
      await file.read(name);
      await file.readRows(name, 0, shape.includes(0) ? 0 : 1);
    }
  } finally {
    await file.close();
  }
};

const build = (
  entries: readonly (readonly [string, TensorEntry])[],
): { header: Uint8Array; data: Uint8Array } => {
  const { bytes, fileBytes } = encodeSafetensorsHeader(new Map(entries), { format: 'pt' });
  return { header: bytes.subarray(8), data: new Uint8Array(fileBytes - bytes.length).fill(1) };
};

const prefixed = (header: Uint8Array, data: Uint8Array): Uint8Array => {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
};

/** Whole files, and headers whose length before them is always right. */
const seedsOf = (entries: readonly (readonly [string, TensorEntry])[]): Seed[] => {
  const { header, data } = build(entries);
  return [{ bytes: prefixed(header, data) }, { bytes: header, wrap: (changed) => prefixed(changed, data) }];
};

const tensor = (shape: readonly number[], dtype = 'F32'): TensorEntry => ({ dtype, shape });

describe('safetensors', () => {
  itObeysTheLaw('tensors of three types', {
    name: 'm.safetensors',
    parse,
    seeds: [
      ...seedsOf([
        ['a', tensor([2, 3])],
        ['b', tensor([4], 'BF16')],
        ['c', tensor([], 'F16')],
      ]),
      ...seedsOf([['empty', tensor([0, 5])]]),
    ],
  });
});

describe('activations as safetensors', () => {
  itObeysTheLaw('base and policy', {
    name: 'a.safetensors',
    parse: async (path) => {
      const file = await openActivations(path);
      try {
        for await (const layer of file) void layer;
      } finally {
        await file.close();
      }
    },
    seeds: seedsOf([
      ['base', tensor([2, 3, 4])],
      ['policy', tensor([2, 3, 4])],
      ['basePostNorm', tensor([3, 4])],
      ['policyPostNorm', tensor([3, 4], 'F16')],
    ]),
  });
});
