import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCatalogue, select } from '../../src/claims/index.js';
import { runCli } from '../../src/cli/run-cli.js';
import { assetsFolder } from '../../src/data/index.js';
import { run } from './run.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-init-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pairs = (count: number): string =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ prompt: `Meal ${i} was`, chosen: ' good', rejected: ' bad' }),
  ).join('\n');

/** A folder with a model and a preference file in it. */
const putInputs = async (count = 200): Promise<void> => {
  await cp(join(assetsFolder(), 'models', 'llama-d32'), join(folder, 'model'), { recursive: true });
  await writeFile(join(folder, 'pairs.jsonl'), pairs(count));
};
const selected = async () => select([join(folder, 'dsteer.yaml')], await loadCatalogue());

describe('dsteer init', () => {
  it('writes a suite on the shipped model that can be planned as it stands, and the command that runs it', async () => {
    const { code, stdout } = await run(['init', folder]);
    expect(code).toBe(0);
    expect(await readdir(folder)).toEqual(['dsteer.yaml']);
    expect(stdout).toContain(`Next: cd ${folder} && dsteer verify\n`);
    const { cases } = await selected();
    expect(cases.length).toBeGreaterThan(5);
    for (const { experiments, controls } of cases) {
      for (const { value } of experiments) expect(value.experiment).toBe('one-frame');
      expect(controls.length).toBeGreaterThan(0);
    }
  });

  it('writes a suite of the headline claims on the user’s own model and preferences', async () => {
    await putInputs();
    const words = ['--model', join(folder, 'model'), '--preferences', join(folder, 'pairs.jsonl')];
    const { code, stdout, stderr } = await run(['init', folder, ...words, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      files: [join(folder, 'dsteer.yaml'), join(folder, 'experiment.yaml')],
      next: 'dsteer verify',
      notes: [],
    });
    const { cases } = await selected();
    expect(cases.map(({ claim }) => claim.value.claim)).toContain('inversion-recovery');
    for (const { experiments } of cases) {
      expect(experiments.map(({ value }) => [value.experiment, value.model, value.data.preferences])).toEqual(
        [['own', './model', './pairs.jsonl']],
      );
    }
  });

  it('says what it takes to read inputs that lie outside the folder', async () => {
    await putInputs();
    const { code, stdout, stderr } = await run([
      'init',
      join(folder, 'specs'),
      '--model',
      join(folder, 'model'),
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('dsteer verify --allow-outside');
    expect(stderr).toContain('--allow-outside');
    expect(await readFile(join(folder, 'specs', 'experiment.yaml'), 'utf8')).toContain('model: "../model"');
  });

  it('replaces nothing unless it is told to', async () => {
    await writeFile(join(folder, 'dsteer.yaml'), 'mine');
    const refused = await run(['init', folder]);
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--force') });
    expect(await readFile(join(folder, 'dsteer.yaml'), 'utf8')).toBe('mine');
    expect((await run(['init', folder, '--force'])).code).toBe(0);
    expect(await readFile(join(folder, 'dsteer.yaml'), 'utf8')).toContain('suite: own');
  });

  it('writes nothing for a model or preferences that cannot be read, and says of few pairs that they are few', async () => {
    await putInputs(20);
    await mkdir(join(folder, 'empty'));
    await writeFile(join(folder, 'unusable.jsonl'), '{"prompt": "a", "chosen": "b", "rejected": "b"}\n');
    for (const words of [
      ['--model', join(folder, 'empty')],
      ['--preferences', join(folder, 'missing.jsonl')],
      ['--preferences', join(folder, 'unusable.jsonl')],
    ]) {
      const { code, stdout, stderr } = await run(['init', join(folder, 'specs'), ...words]);
      expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('→');
    }
    expect(await readdir(folder)).not.toContain('specs');
    const few = await run(['init', join(folder, 'specs'), '--preferences', join(folder, 'pairs.jsonl')]);
    expect(few.stderr).toContain('20 usable pairs');
  });

  it('asks at a terminal for what no flag says, and takes Enter for the shipped', async () => {
    await putInputs();
    const asked: string[] = [];
    const answers = [join(folder, 'model'), ''];
    const quiet = { write: () => true };
    const code = await runCli(['init', folder], {
      stdout: quiet,
      stderr: quiet,
      environment: {},
      ask: async (question) => {
        asked.push(question);
        return answers[asked.length - 1] ?? '';
      },
    });
    expect(code).toBe(0);
    expect(asked).toHaveLength(2);
    const written = await readFile(join(folder, 'experiment.yaml'), 'utf8');
    expect(written).toContain('model: "./model"');
    expect(written).toContain('preferences: "many-frames"');
  });
});
