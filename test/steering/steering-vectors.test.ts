import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, UsageError } from '../../src/base/index.js';
import {
  readSteeringVectors,
  type SteeringVectors,
  selectInterventions,
  selectSites,
  writeControlVector,
  writeSteeringVectors,
} from '../../src/steering/index.js';
import { readGguf, writeGguf, writeSafetensors } from '../../src/store/index.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-vectors-'));
});
afterAll(() => rm(folder, { recursive: true }));

const vectors: SteeringVectors = {
  hiddenSize: 3,
  residual: new Map([1, 2, 3].map((layer) => [layer, Float32Array.of(layer, -layer, 0.1)])),
  postNorm: Float32Array.of(7, 8, 9),
};
const model = { hiddenSize: 3, layers: 3 };

const failureOf = async (path: string): Promise<InputError> => {
  const error: unknown = await readSteeringVectors(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
};

describe('steering vectors on disk', () => {
  it('should come back from safetensors with every bit, both sites or one', async () => {
    const path = join(folder, 'v.safetensors');
    for (const each of [
      vectors,
      { ...vectors, postNorm: undefined },
      { ...vectors, residual: new Map<number, Float32Array>() },
    ]) {
      await writeSteeringVectors(path, each);
      expect(await readSteeringVectors(path)).toEqual(each);
    }
  });

  it('should come back from a control vector at the layers that llama.cpp adds them to', async () => {
    const path = join(folder, 'v.gguf');
    expect(await writeControlVector(path, vectors, { modelHint: 'llama' })).toEqual([2, 3]);
    const { metadata, tensors } = await readGguf(path);
    expect(Object.fromEntries(metadata)).toEqual({
      'general.architecture': 'controlvector',
      'controlvector.model_hint': 'llama',
      'controlvector.layer_count': 2,
    });
    // llama.cpp counts blocks from 0: what it adds after block 1 is added after our layer 2.
    expect(tensors.get('direction.1')?.data).toEqual(vectors.residual.get(2));
    expect(tensors.get('direction.2')?.data).toEqual(vectors.residual.get(3));
    const residual = new Map(vectors.residual);
    residual.delete(1);
    expect(await readSteeringVectors(path)).toEqual({ hiddenSize: 3, residual, postNorm: undefined });
  });

  it('should not be written where a format has no place for them', async () => {
    const path = join(folder, 'none');
    const final = { ...vectors, residual: new Map<number, Float32Array>() };
    await expect(writeControlVector(path, final, { modelHint: 'llama' })).rejects.toThrow(UsageError);
    await expect(writeSteeringVectors(path, { ...final, postNorm: undefined })).rejects.toThrow(/no vector/);
    const gap = { ...vectors, residual: new Map([[2, new Float32Array(3)]]) };
    await expect(writeSteeringVectors(path, gap)).rejects.toThrow(/layers 2 cannot be written/);
    const uneven = { ...vectors, postNorm: new Float32Array(2) };
    await expect(writeSteeringVectors(path, uneven)).rejects.toThrow(/2 dimensions .* of 3/);
  });

  it.each([
    ['hidden states', { residual: { shape: [2, 4, 3], data: new Float32Array(24) } }, /one vector a layer/],
    [
      'hidden states of the end',
      { postNorm: { shape: [4, 3], data: new Float32Array(12) } },
      /not one vector/,
    ],
    [
      'something else',
      { logits: { shape: [3], data: new Float32Array(3) } },
      /neither "residual" nor "postNorm"/,
    ],
    [
      'vectors of two widths',
      {
        residual: { shape: [1, 3], data: new Float32Array(3) },
        postNorm: { shape: [2], data: new Float32Array(2) },
      },
      /3 dimensions and "postNorm" 2/,
    ],
    ['infinity', { postNorm: { shape: [2], data: Float32Array.of(1, Infinity) } }, /Infinity in dimension 1/],
  ])('should be refused in safetensors of %s', async (_, tensors, message) => {
    const path = join(folder, 'bad.safetensors');
    await writeSafetensors(path, tensors);
    expect((await failureOf(path)).message).toMatch(message);
  });

  it.each([
    ['a model', { 'general.architecture': 'llama' }, { 'direction.1': [3] }, /architecture "llama"/],
    ['nothing at all', {}, { 'direction.1': [3] }, /architecture undefined/],
    ['a direction of block 0', {}, { 'direction.0': [3] }, /"direction.0" is not/],
    ['another tensor', {}, { 'output.weight': [3] }, /"output.weight" is not/],
    ['a matrix', {}, { 'direction.1': [1, 3] }, /shape \[1, 3\]/],
    ['two widths', {}, { 'direction.1': [3], 'direction.2': [2] }, /2 dimensions, another 3/],
    ['no direction', {}, {}, /no directions/],
    [
      'fewer layers than directions',
      { count: 1 },
      { 'direction.1': [3], 'direction.2': [3] },
      /layer_count is 1/,
    ],
  ])('should be refused in GGUF of %s', async (what, change, shapes, message) => {
    const path = join(folder, 'bad.gguf');
    const { count, ...architecture } = change as Record<string, string | number>;
    const metadata: Record<string, string | number> = {
      ...(what === 'nothing at all' ? {} : { 'general.architecture': 'controlvector' }),
      ...architecture,
      ...(count === undefined ? {} : { 'controlvector.layer_count': count }),
    };
    const tensors = Object.entries(shapes as Record<string, number[]>).map(([name, shape]) => [
      name,
      { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)) },
    ]);
    await writeGguf(path, metadata, Object.fromEntries(tensors));
    expect((await failureOf(path)).message).toMatch(message);
  });

  it('should be told apart by their first bytes, whatever the name', async () => {
    const path = join(folder, 'named.safetensors');
    await writeControlVector(path, vectors, { modelHint: 'llama' });
    expect((await readSteeringVectors(path)).residual.size).toBe(2);
    await writeFile(path, 'GG');
    expect((await failureOf(path)).message).toMatch(/not a usable safetensors file/);
    expect((await failureOf(join(folder, 'nowhere'))).message).toMatch(/cannot open/);
  });
});

describe('selectSites', () => {
  const residualOnly = { ...vectors, postNorm: undefined };

  it('should take the final hidden state where there is a vector for it, else every layer that has one', () => {
    expect(selectSites(model, vectors)).toEqual(['postNorm']);
    expect(selectSites(model, residualOnly)).toEqual([1, 2, 3]);
    const some = { ...residualOnly, residual: new Map([...vectors.residual].slice(1)) };
    expect(selectSites(model, some)).toEqual([2, 3]);
    expect(selectSites(model, some, ['last-five'])).toEqual([2, 3]);
  });

  it('should take each site once, first to last', () => {
    expect(selectSites(model, vectors, ['final', 3, 1, 3])).toEqual([1, 3, 'postNorm']);
  });

  it('should refuse vectors of another model, and sites without a vector', () => {
    const refuse = (run: () => unknown, message: RegExp): void => {
      expect(run).toThrow(UsageError);
      expect(run).toThrow(message);
    };
    refuse(
      () => selectSites({ hiddenSize: 4, layers: 3 }, vectors),
      /3 dimensions cannot steer a model of 4/,
    );
    refuse(() => selectSites({ hiddenSize: 3, layers: 2 }, vectors), /layer 3; the model has 2/);
    refuse(() => selectSites(model, residualOnly, ['final']), /no vector for final/);
    refuse(() => selectSites({ hiddenSize: 3, layers: 5 }, vectors, [4]), /no vector for layer 4/);
    refuse(() => selectSites(model, vectors, [4]), /no layer 4/);
    refuse(
      () => selectSites(model, { ...vectors, residual: new Map() }, ['all']),
      /there is no vector for all/,
    );
  });

  it('should give each site its own vector', () => {
    const interventions = selectInterventions(model, vectors, { layers: [2, 'final'], lambda: 0.5 });
    expect(interventions).toEqual([
      {
        kind: 'add',
        at: 2,
        vector: vectors.residual.get(2),
        lambda: 0.5,
        positions: 'completion',
        normPreserving: false,
      },
      {
        kind: 'add',
        at: 'postNorm',
        vector: vectors.postNorm,
        lambda: 0.5,
        positions: 'completion',
        normPreserving: false,
      },
    ]);
  });
});
