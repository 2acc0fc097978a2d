/** What the environment holds stays there: keys of judges and of CI services are in nothing that a run writes or prints. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dsteer, ensureBuilt } from '../e2e/built-cli.js';

const secret = 'sk-canary-5f1c9e';
const environment = {
  OPENAI_API_KEY: secret,
  DSTEER_JUDGE_KEY: secret,
  HF_TOKEN: secret,
  GITHUB_TOKEN: secret,
  NPM_TOKEN: secret,
};

let folder = '';
beforeAll(async () => {
  ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'dsteer-secrets-'));
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const filesBelow = async (path: string): Promise<string[]> => {
  const names = await readdir(path, { recursive: true });
  const kinds = await Promise.all(names.map(async (name) => (await stat(join(path, name))).isFile()));
  return names.filter((_, index) => kinds[index]).map((name) => join(path, name));
};

describe('secrets of the environment', () => {
  it.each([
    ['a run that passes', ['verify', 'logit-difference', '--engine', 'wasm'], 0],
    ['a run that trains', ['verify', 'held-out-vectors', '--seed', '3'], undefined],
    ['a fault', ['verify', 'no-such-claim'], 2],
  ])('should be in no file and on no stream of %s', async (_, words, code) => {
    const out = join(folder, words[1] ?? '');
    const result = await dsteer([...words, '--out', out], {
      environment: { ...environment, DSTEER_DEBUG: '1', DSTEER_CACHE: join(folder, 'cache') },
    });
    if (code !== undefined) expect(result.code, result.stderr).toBe(code);
    expect(result.stdout + result.stderr).not.toContain(secret);
    const files = code === 2 ? [] : await filesBelow(folder);
    if (code !== 2) expect(files.some((file) => file.endsWith('report.json'))).toBe(true);
    for (const file of files) expect((await readFile(file)).includes(secret), file).toBe(false);
  });
});
