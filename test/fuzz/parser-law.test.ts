import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, SpecError, UsageError } from '../../src/base/index.js';
import { canary, obey } from './parser-law.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-law-'));
});
afterAll(() => rm(folder, { recursive: true }));

const tried = (parse: (file: string) => unknown, most?: number): Promise<void> =>
  obey(async (file) => parse(file), join(folder, 'input'), Uint8Array.of(1, 2, 3), most);

const thrower = (error: unknown) => () => {
  throw error;
};

describe('the law of parsers', () => {
  it('should let a value pass, and an error of ours that says where', async () => {
    await tried(() => 3);
    await tried(thrower(new InputError('bad', { where: { file: 'a' } })));
    await tried(thrower(new SpecError([{ where: { file: 'a', line: 1 }, message: 'bad' }])));
    await tried(() => new Uint8Array(2 ** 20));
  });

  it('should catch errors of others, and ours without a place or a message', async () => {
    await expect(tried(thrower(new TypeError('x is undefined')))).rejects.toThrow(TypeError);
    await expect(tried(thrower(new RangeError('Maximum call stack')))).rejects.toThrow(RangeError);
    await expect(tried(thrower(new UsageError('bad')))).rejects.toThrow(/says no place/);
    await expect(tried(thrower(new InputError('', { where: { file: 'a' } })))).rejects.toThrow();
    await expect(tried(thrower(new SpecError([])))).rejects.toThrow();
  });

  it('should catch memory that is asked for, even where it is never touched', async () => {
    await expect(tried(() => new Uint8Array(2 ** 27).length)).rejects.toThrow(/LAW BROKEN/);
    await expect(tried(() => new Float64Array(2 ** 24).length)).rejects.toThrow(/LAW BROKEN/);
    await expect(tried(() => Buffer.alloc(2 ** 27).length)).rejects.toThrow(/LAW BROKEN/);
    await expect(tried(() => new Array(2 ** 25).fill(0.5).length)).rejects.toThrow(/memory/);
    expect(new Uint8Array(3)).toBeInstanceOf(Uint8Array);
  });

  it('should catch what hangs, executes or touches a prototype', async () => {
    const { alloc, allocUnsafe } = Buffer;
    const { Uint8Array: array } = globalThis;
    await expect(tried(() => new Promise(() => undefined), 100)).rejects.toThrow(/hangs/);
    expect([Buffer.alloc, Buffer.allocUnsafe, globalThis.Uint8Array]).toEqual([alloc, allocUnsafe, array]);
    await expect(tried(() => writeFileSync(canary, ''))).rejects.toThrow(/executed/);
    await rm(canary);
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    await expect(
      tried(() => {
        prototype['polluted'] = 1;
      }),
    ).rejects.toThrow(/prototype/);
    Reflect.deleteProperty(prototype, 'polluted');
  });
});
