import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/index.js';
import { loadSpecs, requireContainedPaths } from '../../../src/claims/index.js';
import type { LoadedExperiment } from '../../../src/claims/spec/load.js';
import { assetsFolder } from '../../../src/data/index.js';
import { run } from '../../cli/run.js';

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dsteer-contained-'));
  folder = join(root, 'specs');
  await mkdir(join(folder, 'model'), { recursive: true });
  await mkdir(join(folder, 'linked-inside'));
  await writeFile(join(root, 'secret.jsonl'), '{}');
  await writeFile(join(folder, 'pairs.jsonl'), '{}');
  await symlink(join(root, 'secret.jsonl'), join(folder, 'link.jsonl'));
  await symlink(join(folder, 'pairs.jsonl'), join(folder, 'own-link.jsonl'));
  await symlink(root, join(folder, 'up'));
  await symlink(join(root, 'secret.jsonl'), join(folder, 'linked-inside', 'config.json'));
});
afterAll(() => rm(root, { recursive: true }));

const write = async (changes: string, name = 'mine.yaml'): Promise<string> => {
  const file = join(folder, name);
  await writeFile(file, `experiment: mine\nextends: cloze\ntitle: Mine\n${changes}\n`);
  return file;
};

const faultOf = async (changes: string): Promise<SpecError | undefined> => {
  const specs = (await loadSpecs(await write(changes))) as LoadedExperiment[];
  return requireContainedPaths(specs).then(
    () => undefined,
    (error: unknown) => {
      expect(error).toBeInstanceOf(SpecError);
      return error as SpecError;
    },
  );
};

describe('paths in a specification', () => {
  it.each([
    'model: shipped',
    'model: shipped/llama-d32',
    'model: model',
    'model: ./model',
    'model: nowhere/yet',
    'data: { preferences: pairs.jsonl }',
    'data: { preferences: own-link.jsonl }',
    'data: { preferences: model/../pairs.jsonl }',
    'data: { preferences: ..pairs.jsonl }',
    'data: { preferences: cloze }',
  ])('should be let through within the folder: %s', async (changes) => {
    expect(await faultOf(changes)).toBeUndefined();
  });

  it('should be let through to what is shipped, and by an absolute path within the folder', async () => {
    expect(await faultOf(`model: ${join(assetsFolder(), 'model')}`)).toBeUndefined();
    expect(await faultOf(`data: { preferences: ${join(folder, 'pairs.jsonl')} }`)).toBeUndefined();
  });

  it.each([
    ['model: ..', 'model'],
    ['model: ../elsewhere', 'model'],
    ['model: /etc', 'model'],
    ['model: up', 'model'],
    ['model: up/elsewhere', 'model'],
    ['model: linked-inside', 'model'],
    ['checkpoints: { policy: ../p }', 'checkpoints.policy'],
    ['checkpoints: { policy: p, sftBase: ../s }', 'checkpoints.sftBase'],
    ['activations: /elsewhere/a.safetensors', 'activations'],
    ['data: { preferences: ../secret.jsonl }', 'data.preferences'],
    ['data: { preferences: link.jsonl }', 'data.preferences'],
    [
      'data: { mixture: [{ name: a, preferences: cloze }, { name: b, preferences: ../b.jsonl }] }',
      'data.mixture.1.preferences',
    ],
    ['training: { objective: lm, corpus: ../c.txt }', 'training.corpus'],
    [
      'training: { initial: [{ objective: lm, corpus: /etc/passwd, learningRate: 1e-3, epochs: 1, batchSize: 1 }] }',
      'training.initial.0.corpus',
    ],
  ])('should be refused outside it, at their line, with the flag: %s', async (changes, key) => {
    const fault = await faultOf(changes);
    expect(fault?.exitCode).toBe(2);
    expect(fault?.issues).toHaveLength(1);
    const [issue] = fault?.issues ?? [];
    expect(issue?.message).toContain(`${key} "`);
    expect(issue?.where).toMatchObject({ file: join(folder, 'mine.yaml'), line: 4 });
    expect(issue?.hint).toContain('--allow-outside');
  });

  it('should be refused all at once', async () => {
    const fault = await faultOf('model: ../m\ndata: { preferences: ../p.jsonl }');
    expect(fault?.issues.map(({ where }) => where.line)).toEqual([4, 5]);
  });
});

describe('a command that reads a specification with such a path', () => {
  const out = (): string => join(root, 'out');

  it.each([
    ['train', 'mine.yaml'],
    ['steer', 'mine.yaml'],
    ['verify', 'claim.yaml'],
    ['compare', 'suite.yaml'],
  ])('should end with exit code 2, and go on with --allow-outside: %s', async (command, name) => {
    await write('model: ../nowhere\nseeds: [0]');
    await writeFile(
      join(folder, 'claim.yaml'),
      'claim: mine\ntitle: M\nsource: s\nstatement: s\nmetric: cosine-to-steering-vector\nthreshold: { atLeast: 0.9 }\ncases: [{ experiment: mine, expected: holds, reason: r, controls: { placebo-noise: breaks } }]\n',
    );
    await writeFile(
      join(folder, 'suite.yaml'),
      'suite: mine\ntitle: M\nclaims: [mine]\ntables: [{ table: t, title: T, experiments: [mine, cloze], metrics: [cosine-to-steering-vector] }]\n',
    );
    const words = [command, join(folder, name), ...(command === 'steer' ? [] : ['--out', out()])];
    const refused = await run(words);
    expect(refused.stderr).toMatch(/mine\.yaml:4:\d+: model "\.\.\/nowhere" leads outside/);
    expect(refused.stderr).toContain('--allow-outside');
    expect(refused.code).toBe(2);
    const allowed = await run([...words, '--allow-outside', '--engine', 'wasm']);
    expect(allowed.stderr).not.toContain('leads outside');
    expect(allowed.stderr).toMatch(/nowhere/);
    expect(allowed.code).not.toBe(0);
  });
});
