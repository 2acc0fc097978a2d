import { describe } from 'vitest';
import { openActivations } from '../../src/activations/index.js';
import { storedZip, systemCall, tensorPickle } from '../activations/stored-zip.js';
import { canary, itObeysTheLaw, type Seed } from './parser-law.js';

const shape = [2, 3, 4];
const count = 24;
const storage = new Uint8Array(Float32Array.from({ length: count }, (_, i) => i / 4).buffer);

const archive = (pickle: Uint8Array): Uint8Array =>
  storedZip([
    { name: 'a/data.pkl', data: pickle },
    { name: 'a/byteorder', data: Buffer.from('little') },
    { name: 'a/data/0', data: storage },
    { name: 'a/data/1', data: storage },
  ]);

const pickle = (extra?: Uint8Array): Uint8Array =>
  tensorPickle(
    { it: { key: '0', storageSize: count, shape }, dpo: { key: '1', storageSize: count, shape } },
    extra,
  );

/** Whole archives, and pickles in an archive that is always sound. */
const seeds: readonly Seed[] = [{ bytes: archive(pickle()) }, { bytes: pickle(), wrap: archive }];

const parse = async (path: string): Promise<void> => {
  const file = await openActivations(path);
  try {
    for await (const layer of file) void layer;
  } finally {
    await file.close();
  }
};

describe('PyTorch archives', () => {
  itObeysTheLaw('base and policy', { name: 'activations.pt', parse, seeds });
});

describe('PyTorch archives that ask for a command', () => {
  const hostile = pickle(systemCall(`touch ${canary}`));
  itObeysTheLaw('a pickle that calls os.system', {
    name: 'activations.pt',
    parse: (path) => parse(path),
    seeds: [{ bytes: hostile, wrap: archive }],
    refused: true,
  });
});
