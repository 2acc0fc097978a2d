import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, UsageError } from '../../src/base/index.js';
import { encodeGguf, readGguf, writeGguf } from '../../src/store/index.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Written by gguf-py 0.19.0: direction.1 = [1, −2, ½, 4] in F32, direction.3 = [¼, 8, −1, 3] in F16, three values. */
const byGgufPy = Buffer.from(
  'R0dVRgMAAAACAAAAAAAAAAMAAAAAAAAAFAAAAAAAAABnZW5lcmFsLmFyY2hpdGVjdHVyZQgAAAANAAAAAAAAAGNvbnRyb2x2ZWN0b3IYAAAAAAAAAGNvbnRyb2x2ZWN0b3IubW9kZWxfaGludAgAAAAFAAAAAAAAAGxsYW1hGQAAAAAAAABjb250cm9sdmVjdG9yLmxheWVyX2NvdW50BAAAAAIAAAALAAAAAAAAAGRpcmVjdGlvbi4xAQAAAAQAAAAAAAAAAAAAAAAAAAAAAAAACwAAAAAAAABkaXJlY3Rpb24uMwEAAAAEAAAAAAAAAAEAAAAgAAAAAAAAAAAAAAAAgD8AAADAAAAAPwAAgEAAAAAAAAAAAAAAAAAAAAAAADQASAC8AEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  'base64',
);

const read = async (bytes: Uint8Array) => {
  const path = join(folder, 'input.gguf');
  await writeFile(path, bytes);
  return readGguf(path);
};

const faultOf = async (bytes: Uint8Array): Promise<InputError> => {
  const error: unknown = await read(bytes).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  expect((error as InputError).where?.file).toContain('input.gguf');
  return error as InputError;
};

/** The file with one little-endian number put over its bytes. */
const patched = (at: number, value: number | bigint): Uint8Array => {
  const bytes = Uint8Array.from(byGgufPy);
  const view = new DataView(bytes.buffer);
  if (typeof value === 'bigint') view.setBigUint64(at, value, true);
  else view.setUint32(at, value, true);
  return bytes;
};

const find = (text: string): number => byGgufPy.indexOf(text, 0, 'latin1');

describe('readGguf', () => {
  it("should read what llama.cpp's own writer wrote", async () => {
    const { metadata, tensors } = await read(byGgufPy);
    expect(Object.fromEntries(metadata)).toEqual({
      'general.architecture': 'controlvector',
      'controlvector.model_hint': 'llama',
      'controlvector.layer_count': 2,
    });
    expect(Object.fromEntries(tensors)).toEqual({
      'direction.1': { shape: [4], data: Float32Array.of(1, -2, 0.5, 4) },
      'direction.3': { shape: [4], data: Float32Array.of(0.25, 8, -1, 3) },
    });
  });

  it('should give back what writeGguf wrote', async () => {
    const tensorOf = fc
      .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 })
      .chain((shape) => {
        const size = shape.reduce((product, each) => product * each, 1);
        return fc
          .array(fc.float({ noNaN: true }), { minLength: size, maxLength: size })
          .map((values) => ({ shape, data: Float32Array.from(values) }));
      });
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), tensorOf, { maxKeys: 4 }),
        fc.dictionary(
          fc.string({ maxLength: 20 }).map((key) => `own.${key}`),
          fc.oneof(fc.nat(), fc.string()),
          { maxKeys: 4 },
        ),
        async (tensors, metadata) => {
          const path = join(folder, 'round-trip.gguf');
          await writeGguf(path, metadata, tensors);
          expect((await readFile(path)).byteLength % 32).toBe(0);
          const back = await readGguf(path);
          expect(new Map(back.metadata)).toEqual(new Map(Object.entries(metadata)));
          expect(new Map(back.tensors)).toEqual(new Map(Object.entries(tensors)));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('should refuse a file cut off anywhere, and never read past its end', async () => {
    // The last 24 bytes are padding, which nothing needs.
    for (let length = 0; length < byGgufPy.length - 24; length++) {
      expect((await faultOf(byGgufPy.subarray(0, length))).message).toMatch(/not a usable GGUF file/);
    }
    expect((await faultOf(byGgufPy.subarray(0, 100))).message).toMatch(/ends at byte 100.*truncated/);
  });

  it.each([
    ['another format', patched(0, 0x12345678), /does not begin with GGUF/],
    ['another version', patched(4, 1), /version 1/],
    ['more tensors than bytes', patched(8, 2n ** 40n), /claims 1099511627776 for the number of tensors/],
    ['more values than there are', patched(16, 4000n), /metadata key|truncated|the length of/],
    ['a key longer than the file', patched(24, 2n ** 63n), /the length of metadata key 0/],
    ['a text longer than the file', patched(find('controlvector') - 8, 2n ** 19n), /truncated/],
    ['a value of no known type', patched(find('controlvector') - 12, 77), /type 77/],
    ['a rank beyond all tensors', patched(find('direction.1') + 11, 1e9), /1000000000 dimensions/],
    [
      'a dimension that the data lacks',
      patched(find('direction.1') + 15, 2n ** 30n),
      /truncated or its header lies/,
    ],
    ['quantised data', patched(find('direction.1') + 23, 12), /tensor type 12; F32 and F16/],
    ['an offset outside', patched(find('direction.3') + 27, 2n ** 20n), /the offset of "direction.3"/],
    ['an offset that is not aligned', patched(find('direction.3') + 27, 8n), /no multiple of 32/],
    ['data that overlap', patched(find('direction.3') + 27, 0n), /overlaps/],
    ['a tensor twice', patched(find('direction.3') + 7, 0x312e6e6f), /tensor "direction.1" twice/],
  ])('should refuse %s by name', async (_, bytes, message) => {
    expect((await faultOf(bytes)).message).toMatch(message);
  });

  it('should say which file cannot be opened', async () => {
    await expect(readGguf(join(folder, 'nowhere.gguf'))).rejects.toThrow(/cannot open/);
  });
});

describe('encodeGguf', () => {
  it('should refuse what the format cannot say', () => {
    expect(() => encodeGguf({ count: 1.5 }, {})).toThrow(UsageError);
    expect(() => encodeGguf({ count: -1 }, {})).toThrow(/whole number/);
    expect(() => encodeGguf({}, { a: { shape: [3], data: new Float32Array(2) } })).toThrow(/cannot hold 2/);
  });
});
