import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ActivationLayer,
  type HiddenStates,
  openActivations,
  type ReadItem,
  writeActivationPair,
} from '../../src/activations/index.js';
import { createRandom, InputError, UsageError } from '../../src/base/index.js';
import { writeSafetensors } from '../../src/store/index.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures, readJson } from '../model/golden.js';

const [layers, n, d] = [3, 4, 5];

const randomValues = (count: number, seed: string): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};
const randomStates = (seed: string): HiddenStates => ({
  residual: Array.from({ length: layers }, (_, layer) => randomValues(n * d, `${seed} ${layer}`)),
  postNorm: randomValues(n * d, `${seed} post`),
  n,
  hiddenSize: d,
  layers,
});
const items: ReadItem[] = Array.from({ length: n }, (_, i) => ({ ids: Int32Array.of(i, 1), position: 1 }));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-pair-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const collect = async (path: string): Promise<ActivationLayer[]> => {
  const file = await openActivations(path);
  try {
    const all: ActivationLayer[] = [];
    for await (const layer of file) all.push(layer);
    return all;
  } finally {
    await file.close();
  }
};

describe('writeActivationPair', () => {
  it('should be read back by openActivations, layer by layer, with the state after the norm last', async () => {
    const path = join(folder, 'pair.safetensors');
    const [base, policy] = [randomStates('base'), randomStates('policy')];
    await writeActivationPair(path, { base, policy, readout: 'prompt-last', items });
    const all = await collect(path);
    expect(all.map(({ layer }) => layer)).toEqual([1, 2, 3, 'postNorm']);
    for (const [index, layer] of all.entries()) {
      expect(layer).toMatchObject({ n, d });
      expect(layer.base).toEqual([...base.residual, base.postNorm][index]);
      expect(layer.policy).toEqual([...policy.residual, policy.postNorm][index]);
    }
    const file = await openActivations(path);
    expect(file).toMatchObject({ layers, n, d, hasPostNorm: true });
    expect(file.metadata).toMatchObject({ format: 'dsteer-activations-1', readout: 'prompt-last' });
    expect(file.metadata['itemsSha256']).toMatch(/^[0-9a-f]{64}$/);
    await expect(file.readLayer(0)).rejects.toThrow(InputError);
    await expect(file.readLayer(layers + 1)).rejects.toThrow(/no layer 4/);
    await file.close();
  });

  it('should say in its hash where the states were read', async () => {
    const hashOf = async (name: string, read: readonly ReadItem[]): Promise<string | undefined> => {
      const path = join(folder, `${name}.safetensors`);
      const states = randomStates('same');
      await writeActivationPair(path, { base: states, policy: states, readout: 'prompt-last', items: read });
      const file = await openActivations(path);
      await file.close();
      return file.metadata['itemsSha256'];
    };
    const first = await hashOf('first', items);
    expect(await hashOf('again', items)).toBe(first);
    const moved = items.map((item, i) => (i === 0 ? { ...item, position: 0 } : item));
    expect(await hashOf('moved', moved)).not.toBe(first);
  });

  it('should refuse states of different shapes', async () => {
    const base = randomStates('base');
    const attempt = writeActivationPair(join(folder, 'bad.safetensors'), {
      base,
      policy: { ...base, n: n + 1 },
      readout: 'prompt-last',
      items,
    });
    await expect(attempt).rejects.toThrow(UsageError);
  });
});

describe('openActivations', () => {
  const cube = { shape: [layers, n, d], data: randomValues(layers * n * d, 'cube') };
  const flat = { shape: [n, d], data: randomValues(n * d, 'flat') };
  const write = async (name: string, tensors: Parameters<typeof writeSafetensors>[1]): Promise<string> => {
    const path = join(folder, `${name}.safetensors`);
    await writeSafetensors(path, tensors);
    return path;
  };

  it('should take others’ names, and a file without the state after the norm', async () => {
    for (const [base, policy] of [
      ['base', 'dpo'],
      ['it', 'dpo'],
      ['base', 'policy'],
    ] as const) {
      const all = await collect(await write(`${base}-${policy}`, { [base]: cube, [policy]: cube }));
      expect(all.map(({ layer }) => layer)).toEqual([1, 2, 3]);
      expect(all[1]?.policy).toEqual(cube.data.subarray(n * d, 2 * n * d));
    }
  });

  it('should say what is wrong with a file, where, and what to do', async () => {
    const expectFault = async (
      name: string,
      tensors: Parameters<typeof writeSafetensors>[1],
      message: RegExp,
    ): Promise<void> => {
      const path = await write(name, tensors);
      const error: unknown = await collect(path).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(InputError);
      if (!(error instanceof InputError)) return;
      expect(error.message).toMatch(message);
      expect(error.where?.file).toBe(path);
      expect(error.hint).toBeTruthy();
    };
    await expectFault('no-policy', { base: cube }, /no tensor "policy" or "dpo" among base/);
    await expectFault('no-base', { policy: cube }, /no tensor "base" or "it"/);
    await expectFault('two', { base: cube, policy: cube, dpo: cube }, /"policy" and "dpo".*unclear/);
    await expectFault('rank', { base: flat, policy: flat }, /"base" has shape \[4, 5\]/);
    const wide = { shape: [layers, d, n], data: cube.data };
    await expectFault('shape', { base: cube, policy: wide }, /"policy" has shape \[3, 5, 4\].*\[3, 4, 5\]/);
    await expectFault('half', { base: cube, policy: cube, basePostNorm: flat }, /no tensor "policyPostNorm"/);
    const post = { base: cube, policy: cube, basePostNorm: flat };
    const odd = { shape: [d, n], data: flat.data };
    await expectFault('post', { ...post, policyPostNorm: odd }, /"policyPostNorm" has shape \[5, 4\]/);
    const data = Float32Array.from(cube.data);
    data[1 * n * d + 2 * d + 3] = Number.NaN;
    const broken = { shape: cube.shape, data };
    await expectFault(
      'nan',
      { base: cube, policy: broken },
      /"policy" holds NaN at layer 2, prompt 2, dimension 3/,
    );
  });

  it('should refuse a missing file and one that is neither format', async () => {
    await expect(openActivations(join(folder, 'absent.safetensors'))).rejects.toThrow(InputError);
    const path = join(folder, 'text.safetensors');
    await writeFile(path, 'these are not activations at all');
    await expect(openActivations(path)).rejects.toThrow(InputError);
  });

  it.skipIf(!fixturesPresent)(`should read the geometry fixtures${needsFixtures}`, async () => {
    interface Expected {
      readonly sets: Record<string, { layers: { mean_vector?: number[]; dsteer_vector_stats: object }[] }>;
    }
    const geometry = join(fixturesFolder, 'geometry');
    const { sets } = readJson<Expected>(geometry, 'expected.json');
    for (const [name, { layers: expected }] of Object.entries(sets)) {
      const all = await collect(join(geometry, name, 'activations.safetensors'));
      expect(all).toHaveLength(4);
      for (const [index, { base, policy, n: rows, d: width }] of all.entries()) {
        expect([rows, width]).toEqual([60, 48]);
        const mean = Array.from({ length: width }, (_, j) => {
          let sum = 0;
          for (let i = 0; i < rows; i++) {
            sum += Math.fround((policy[i * width + j] ?? 0) - (base[i * width + j] ?? 0));
          }
          return sum / rows;
        });
        expect(maxDifference(mean, expected[index]?.mean_vector ?? [])).toBeLessThan(1e-9);
      }
    }
  });
});
