import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openActivations } from '../../src/activations/index.js';
import { InputError } from '../../src/base/index.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures } from '../model/golden.js';
import { type PickledTensorSpec, storedZip, systemCall, tensorPickle } from './stored-zip.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-torch-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const bytesOf = (values: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const shape = [2, 3, 4];
const count = 24;
const values = Float32Array.from({ length: count }, (_, i) => i / 4 - 3);
const tensor = (change: Partial<PickledTensorSpec> = {}): PickledTensorSpec => ({
  key: '0',
  storageSize: count,
  shape,
  ...change,
});

const archive = (
  pickle: Uint8Array,
  storage: Uint8Array = bytesOf(values),
  extra: readonly { name: string; data: Uint8Array }[] = [],
): Uint8Array =>
  storedZip([{ name: 'a/data.pkl', data: pickle }, { name: 'a/data/0', data: storage }, ...extra]);

const save = async (name: string, content: Uint8Array): Promise<string> => {
  const path = join(folder, `${name}.pt`);
  await writeFile(path, content);
  return path;
};

describe('a PyTorch file of activations', () => {
  it.skipIf(!fixturesPresent)(`should hold what its safetensors twin holds${needsFixtures}`, async () => {
    for (const set of ['near_rank_one', 'isotropic']) {
      for (const name of ['activations.pt', 'activations_torch1.13.pt']) {
        const path = join(fixturesFolder, 'geometry', set, name);
        if (!existsSync(path)) continue;
        const torch = await openActivations(path);
        const twin = await openActivations(join(fixturesFolder, 'geometry', set, 'activations.safetensors'));
        expect([torch.layers, torch.n, torch.d]).toEqual([4, 60, 48]);
        for await (const { layer, base, policy } of torch) {
          const expected = await twin.readLayer(layer);
          expect(maxDifference(base, expected.base)).toBe(0);
          expect(maxDifference(policy, expected.policy)).toBe(0);
        }
        await torch.close();
        await twin.close();
      }
    }
  });

  it('should read half and bfloat16 exactly, and views at an offset', async () => {
    // 1.5, −2, 0.25 and the smallest subnormal half.
    const halves = Uint16Array.from(
      { length: count },
      (_, i) => [0x3e00, 0xc000, 0x3400, 0x0001][i % 4] ?? 0,
    );
    const brains = Uint16Array.from(
      { length: count },
      (_, i) => [0x3fc0, 0xc000, 0x3e80, 0x4049][i % 4] ?? 0,
    );
    for (const [storageType, storage, expected] of [
      ['HalfStorage', halves, [1.5, -2, 0.25, 2 ** -24]],
      ['BFloat16Storage', brains, [1.5, -2, 0.25, 3.140625]],
    ] as const) {
      const both = { it: tensor({ storageType }), dpo: tensor({ storageType }) };
      const file = await openActivations(
        await save(storageType, archive(tensorPickle(both), bytesOf(storage))),
      );
      const { base } = await file.readLayer(2);
      expect([...base.subarray(0, 4)]).toEqual(expected);
      await file.close();
    }
    const view = tensor({ shape: [1, 3, 4], offset: 12 });
    const file = await openActivations(await save('view', archive(tensorPickle({ it: view, dpo: view }))));
    expect((await file.readLayer(1)).policy).toEqual(values.subarray(12));
    await file.close();
  });

  it('should be refused, and nothing executed, when it holds anything but tensors', async () => {
    const both = { it: tensor(), dpo: tensor() };
    const canary = join(folder, 'executed');
    const cases: readonly (readonly [name: string, content: Uint8Array, message: RegExp])[] = [
      [
        'code',
        archive(tensorPickle(both, systemCall(`touch ${canary}`))),
        /"os\.system".*nothing was executed/,
      ],
      ['eval', archive(Buffer.from('\x80\x02cbuiltins\neval\n.', 'latin1')), /"builtins\.eval"/],
      ['opcode', archive(Buffer.from('\x80\x02(ios\nsystem\n.', 'latin1')), /opcode 0x69/],
      ['build', archive(tensorPickle(both, Buffer.from('}b', 'latin1'))), /opcode 0x62/],
      [
        'double',
        archive(tensorPickle({ it: tensor({ storageType: 'DoubleStorage' }) })),
        /torch\.DoubleStorage/,
      ],
      ['cut', archive(tensorPickle(both).subarray(0, 60)), /pickle is truncated/],
      ['empty', archive(new Uint8Array(0)), /pickle is truncated/],
      ['no-dictionary', archive(Buffer.from('\x80\x02K\x01.', 'latin1')), /no dictionary/],
      ['underflow', archive(Buffer.from('\x80\x020R.', 'latin1')), /damaged|opcode/],
    ];
    for (const [name, content, message] of cases) {
      const path = await save(name, content);
      const error: unknown = await openActivations(path).catch((caught: unknown) => caught);
      expect(error, name).toBeInstanceOf(InputError);
      expect(String(error), name).toMatch(message);
    }
    expect(existsSync(canary)).toBe(false);
  });

  it('should be refused when its tensors do not lie where it says', async () => {
    const storage = bytesOf(values);
    const withTensor = (change: Partial<PickledTensorSpec>): Uint8Array =>
      archive(tensorPickle({ it: tensor(change), dpo: tensor() }), storage);
    const cases: readonly (readonly [name: string, content: Uint8Array, message: RegExp])[] = [
      ['missing', withTensor({ key: '7' }), /data of tensor "it" are missing/],
      ['size', withTensor({ storageSize: 23 }), /missing or incomplete/],
      ['outside', withTensor({ offset: 1 }), /reaches outside/],
      ['huge', withTensor({ shape: [2e9, 2e9, 2e9], strides: [1, 1, 1] }), /reaches outside/],
      ['strided', withTensor({ strides: [1, 8, 2] }), /\.contiguous\(\)/],
      ['path', withTensor({ key: '../0' }), /storage is damaged/],
      [
        'big-endian',
        archive(tensorPickle({ it: tensor() }), storage, [{ name: 'a/byteorder', data: Buffer.from('big') }]),
        /byte order/,
      ],
      ['no-pickle', storedZip([{ name: 'a/data/0', data: storage }]), /no data\.pkl/],
      ['compressed', storedZip([{ name: 'a/data.pkl', data: storage, method: 8 }]), /compressed/],
      ['encrypted', storedZip([{ name: 'a/data.pkl', data: storage, flags: 1 }]), /encrypted/],
    ];
    for (const [name, content, message] of cases) {
      const error: unknown = await openActivations(await save(`lies-${name}`, content)).catch(
        (caught: unknown) => caught,
      );
      expect(error, name).toBeInstanceOf(InputError);
      expect(String(error), name).toMatch(message);
    }
  });

  it('should be refused wherever it is cut off, and whichever byte of its directory is wrong', async () => {
    const whole = archive(tensorPickle({ it: tensor(), dpo: tensor() }));
    for (let length = 0; length < whole.length; length += 37) {
      const path = await save('truncated', whole.subarray(0, length));
      await expect(openActivations(path)).rejects.toThrow(InputError);
    }
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      const path = await save('damaged', damaged);
      const opened = await openActivations(path).catch((error: unknown) => error);
      if (opened instanceof Error) expect(opened).toBeInstanceOf(InputError);
      else await (opened as Awaited<ReturnType<typeof openActivations>>).close();
    }
    expect((await readFile(await save('whole', whole))).length).toBe(whole.length);
  });
});
