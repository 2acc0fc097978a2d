import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import {
  createSafetensorsWriter,
  openSafetensors,
  readSafetensorsHeader,
  writeSafetensors,
} from '../../src/store/index.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-store-'));
});
afterAll(() => rm(folder, { recursive: true }));

const fileOf = async (header: unknown, dataBytes: number, claimedLength?: bigint): Promise<string> => {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claimedLength ?? BigInt(json.byteLength), true);
  bytes.set(json, 8);
  const path = join(folder, 'made.safetensors');
  await writeFile(path, bytes);
  return path;
};

const failureOf = async (path: string): Promise<InputError> => {
  const error = await openSafetensors(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
};

const tensorsArbitrary = fc.dictionary(
  fc
    .string({ minLength: 1, maxLength: 12 })
    .filter((name) => name !== '__metadata__' && name !== '__proto__'),
  fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) =>
    fc
      .float32Array({
        minLength: shape.reduce((a, b) => a * b, 1),
        maxLength: shape.reduce((a, b) => a * b, 1),
      })
      .map((data) => ({ shape, data: new Float32Array(data) })),
  ),
  { minKeys: 1, maxKeys: 5 },
);

describe('safetensors', () => {
  it('should read back the very bits it wrote, whatever the names, shapes and values', async () => {
    const path = join(folder, 'round-trip.safetensors');
    await fc.assert(
      fc.asyncProperty(tensorsArbitrary, async (tensors) => {
        await writeSafetensors(path, tensors, { metadata: { format: 'pt' } });
        const file = await openSafetensors(path);
        try {
          expect([...file.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
          expect(file.metadata).toEqual({ format: 'pt' });
          for (const [name, { shape, data }] of Object.entries(tensors)) {
            expect(file.tensors.get(name)).toMatchObject({ dtype: 'F32', shape });
            expect(await file.read(name)).toEqual(data);
          }
        } finally {
          await file.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('should store halves rounded to nearest even, and widen them exactly', async () => {
    const path = join(folder, 'half.safetensors');
    const values = [1, -2.5, 65504, 2 ** -24, 2 ** -25, 3 * 2 ** -25, 2049, 2051, 0.1, -0, 2 ** -14, 1e-9];
    const rounded = [1, -2.5, 65504, 2 ** -24, 0, 2 ** -23, 2048, 2052, 0.0999755859375, -0, 2 ** -14, 0];
    await writeSafetensors(
      path,
      { x: { shape: [values.length], data: new Float32Array(values) } },
      { dtype: 'F16' },
    );
    const file = await openSafetensors(path);
    expect([...(await file.read('x'))]).toEqual(rounded);
    await file.close();
    const tooLarge = { x: { shape: [1], data: new Float32Array([70000]) } };
    await expect(writeSafetensors(path, tooLarge, { dtype: 'F16' })).rejects.toThrow(/too large for F16/);
  });

  it('should read rows of a tensor as slices of the whole', async () => {
    const path = join(folder, 'rows.safetensors');
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    await writeSafetensors(path, { x: { shape: [2, 3, 4], data } });
    const file = await openSafetensors(path);
    expect(await file.readRows('x', 1, 4)).toEqual(data.slice(4, 16));
    await expect(file.readRows('x', 5, 7)).rejects.toThrow(/it has 6/);
    await expect(file.read('y')).rejects.toThrow(/no tensor "y"/);
    await file.close();
  });

  it('should leave nothing behind when a writer is not given every element', async () => {
    const before = await readdir(folder);
    const writer = await createSafetensorsWriter(join(folder, 'part.safetensors'), { a: [2, 3], b: [1] });
    await writer.writeAt('a', 3, new Float32Array([4, 5, 6]));
    await writer.writeAt('b', 0, new Float32Array([7]));
    await expect(writer.writeAt('a', 4, new Float32Array(3))).rejects.toThrow(/do not fit/);
    await expect(writer.finish()).rejects.toThrow(/: a$/);
    expect(await readdir(folder)).toEqual(before);
  });

  it('should assemble a file from pieces in any order', async () => {
    const path = join(folder, 'pieces.safetensors');
    const writer = await createSafetensorsWriter(path, { a: [2, 3] });
    await writer.writeAt('a', 3, new Float32Array([4, 5, 6]));
    await writer.writeAt('a', 0, new Float32Array([1, 2, 3]));
    await writer.finish();
    const file = await openSafetensors(path);
    expect([...(await file.read('a'))]).toEqual([1, 2, 3, 4, 5, 6]);
    await file.close();
  });

  it.each([
    ['a header that is no JSON', '{"a":', 0, /not JSON/],
    ['a header that is a list', [], 0, /not a JSON object/],
    ['an unknown dtype', { a: { dtype: 'F7', shape: [1], data_offsets: [0, 4] } }, 4, /dtype "F7"/],
    ['a negative size', { a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, 4, /shape \[-1\]/],
    ['no offsets', { a: { dtype: 'F32', shape: [1] } }, 4, /data_offsets/],
    [
      'a shape that lies about its bytes',
      { a: { dtype: 'F32', shape: [3], data_offsets: [0, 4] } },
      4,
      /needs 12 bytes but its data_offsets span 4/,
    ],
    [
      'overlapping tensors',
      {
        a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
        b: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
      },
      4,
      /overlap/,
    ],
    ['a hole before its data', { a: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, 8, /hole/],
    ['bytes after its data', { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, 12, /end at byte/],
    ['metadata that is no text', { __metadata__: { a: 1 } }, 0, /__metadata__\.a/],
    [
      'a shape whose product overflows',
      { a: { dtype: 'F32', shape: [2 ** 52, 2 ** 52], data_offsets: [0, 4] } },
      4,
      /needs/,
    ],
  ])('should refuse %s with one error that names the file', async (_, header, dataBytes, message) => {
    const path = await fileOf(header, dataBytes);
    const error = await failureOf(path);
    expect(error.message).toMatch(message);
    expect(error.where?.file).toBe(path);
  });

  it('should refuse a header length that lies, without asking for the memory', async () => {
    expect((await failureOf(await fileOf({}, 0, 2n ** 63n))).message).toMatch(/at most 100000000/);
    expect((await failureOf(await fileOf({}, 0, 4096n))).message).toMatch(/goes past its/);
  });

  it('should refuse a file cut anywhere', async () => {
    const path = join(folder, 'cut.safetensors');
    const tensors = { x: { shape: [5], data: new Float32Array(5) } };
    await writeSafetensors(path, tensors);
    const full = (await readSafetensorsHeader(path)).tensors.get('x')?.end ?? 0;
    for (let size = full - 1; size >= 0; size -= 7) {
      await truncate(path, size);
      await failureOf(path);
    }
    expect((await failureOf(join(folder, 'absent.safetensors'))).message).toMatch(/cannot open/);
  });
});
