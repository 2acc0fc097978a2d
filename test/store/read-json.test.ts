import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { readJsonObject } from '../../src/store/index.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-json-'));
});
afterAll(() => rm(folder, { recursive: true }));

const faultOf = async (content: string | Uint8Array, maxBytes = 100): Promise<string> => {
  const path = join(folder, 'file.json');
  await writeFile(path, content);
  const error: unknown = await readJsonObject(path, { maxBytes }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  expect((error as InputError).where?.file).toBe(path);
  return (error as InputError).message;
};

describe('readJsonObject', () => {
  it('should read an object', async () => {
    const path = join(folder, 'good.json');
    await writeFile(path, '{"a": [1, "é"]}');
    expect(await readJsonObject(path)).toEqual({ a: [1, 'é'] });
  });

  it('should refuse what is no object, no JSON, no UTF-8 or too large to be read at all', async () => {
    expect(await faultOf('[1]')).toMatch(/expected a JSON object/);
    expect(await faultOf('{"a": 1')).toMatch(/not valid JSON/);
    expect(await faultOf(Uint8Array.of(0x7b, 0xff, 0x7d))).toMatch(/not valid UTF-8/);
    expect(await faultOf(`{"a": "${'x'.repeat(100)}"}`)).toMatch(/has 109 bytes; at most 100 are read/);
  });

  it('should say what to do about a file that is not there, and refuse a folder', async () => {
    const missing = readJsonObject(join(folder, 'nowhere'), { hint: 'make one' });
    await expect(missing).rejects.toMatchObject({
      hint: 'make one',
      message: expect.stringMatching(/cannot be read/),
    });
    await expect(readJsonObject(folder)).rejects.toThrow(InputError);
  });
});
