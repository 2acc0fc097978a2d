import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DsteerError } from '../../../src/base/index.js';
import { loadSpecs } from '../../../src/claims/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-limits-'));
});
afterAll(() => rm(folder, { recursive: true }));

const laughs = Array.from(
  { length: 12 },
  (_, level) => `l${level}: &l${level} [${Array.from({ length: 9 }, () => `*l${level - 1}`).join(', ')}]\n`,
);

const faultOf = async (content: string | Uint8Array): Promise<DsteerError> => {
  const file = join(folder, 'hostile.yaml');
  await writeFile(file, content);
  const started = performance.now();
  const fault = await loadSpecs(file).catch((error: unknown) => error);
  expect(performance.now() - started).toBeLessThan(5000);
  expect(fault).toBeInstanceOf(DsteerError);
  return fault as DsteerError;
};

describe('a hostile specification', () => {
  it.each([
    ['a billion laughs', ['claim: x\nl0: &l0 [ha]\n', ...laughs.slice(1)].join(''), /more than 64 aliases/],
    [
      'laughs with few aliases',
      `claim: x\nl0: &l0 [${'ha, '.repeat(500)}ha]\n${laughs
        .slice(1, 8)
        .map((line) =>
          line
            .replace(/\*/g, '*')
            .split(', ')
            .slice(0, 8)
            .join(', ')
            .replace(/\]?\n?$/, ']\n'),
        )
        .join('')}`,
      /stand for more than 100000 values/,
    ],
    ['an anchor within itself', 'claim: x\na: &a [*a]\n', /aliases stand for|Unresolved alias/i],
    ['flow nested deeply', `claim: ${'['.repeat(200)}${']'.repeat(200)}\n`, /nests/],
    [
      'flow nested without end',
      `claim: ${'['.repeat(500_000)}\n`,
      /hostile\.yaml:1:108: .*nests more than 100/,
    ],
    [
      'mappings nested without end',
      `claim: "["\n# [\na: ${'{'.repeat(500_000)}\n`,
      /hostile\.yaml:3:104: .*nests/,
    ],
    ['blocks nested deeply', `claim:\n${'- '.repeat(200_000)}x\n`, /nests|YAML/],
    ['a tag that would run code', 'claim: !!js/function "function () { process.exit(7) }"\n', /tag/i],
    ['a tag that would make an object', 'claim: !!python/object/apply:os.system ["true"]\n', /tag/i],
    ['a key that is no text', 'claim: x\n? [a, b]\n: 1\n', /string/i],
    ['a key twice', 'claim: x\nclaim: y\n', /unique/i],
    ['a name that is no text', 'experiment: { toString: 1 }\n', /experiment/],
    ['a prototype', 'claim: x\n__proto__: { polluted: 1 }\n', /__proto__/],
    ['a large file', `claim: x\n#${'x'.repeat(1 << 20)}\n`, /at most 1048576 are read/],
    ['bytes that are no UTF-8', Uint8Array.of(0x63, 0x3a, 0x20, 0xff, 0xfe), /UTF-8/],
  ])('should be refused quickly, with exit code 2: %s', async (_, content, message) => {
    const fault = await faultOf(content);
    expect(fault.exitCode).toBe(2);
    expect(fault.describe()).toMatch(message);
    expect(fault.describe()).toMatch(/hostile\.yaml/);
    expect(fault.describe().split('\n').length).toBeLessThan(20);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(existsSync(join(folder, 'canary'))).toBe(false);
  });
});
