import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dsteerVersion } from '../../src/base/index.js';
import { dsteer, ensureBuilt, type ProcessResult } from './built-cli.js';

let folder = '';
const claims = ['logit-difference', 'gradient-law-property'];
/** A run that printed what people read. */
let plain: ProcessResult;
beforeAll(async () => {
  ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'dsteer-e2e-'));
  plain = await dsteer(['verify', ...claims, '--out', join(folder, 'plain')]);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** Small enough for seconds: two steps on the shipped model. */
const experiment = `experiment: tiny
title: A few tuples
data:
  preferences: one-frame
  train: 16
  heldOut: 64
training:
  beta: 0.1
  learningRate: 1.0e-4
  epochs: 1
  batchSize: 8
  warmupSteps: 0
seeds: [100]
`;

const withoutTimes = (report: string): string =>
  report.replace(/"(startedAt|finishedAt|seconds)": [^\n]*/g, '"$1": …');

describe('the built command line', () => {
  it('starts, quickly and without reading a model, for its version', async () => {
    expect(await dsteer(['--version'])).toEqual({ code: 0, stdout: `${dsteerVersion}\n`, stderr: '' });
  });

  it('gives the same report.json twice but for times, on stdout and in its folder', async () => {
    const out = join(folder, 'json');
    const reportIn = (run: string): Promise<string> => readFile(join(folder, run, 'report.json'), 'utf8');
    const first = await dsteer(['verify', ...claims, '--out', out, '--json']);
    expect(first.code).toBe(0);
    expect(plain.code).toBe(0);
    expect(first.stdout).toBe(await reportIn('json'));
    expect(withoutTimes(first.stdout)).toBe(withoutTimes(await reportIn('plain')));
    expect(JSON.parse(first.stdout).totals).toEqual({ pass: 2, fail: 0, inconclusive: 0, error: 0 });
    expect((await readdir(out)).sort()).toEqual(
      expect.arrayContaining([
        'claims.sarif',
        'junit.xml',
        'manifest.json',
        'report.html',
        'report.json',
        'summary.md',
      ]),
    );
  });

  it('writes no colour and no cursor movement where there is no terminal', () => {
    const { stdout, stderr } = plain;
    expect(stdout).toContain('logit-difference');
    expect(`${stdout}${stderr}`).not.toContain('\u001b');
    expect(`${stdout}${stderr}`).not.toContain('\r');
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
  });

  it('names line, column and legal values of a fault in a specification, and ends with 2', async () => {
    const file = join(folder, 'faulty.yaml');
    await writeFile(file, experiment.replace('  beta: 0.1', '  betta: 0.1'));
    const { code, stdout, stderr } = await dsteer(['train', file, '--out', join(folder, 'nothing')]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/faulty\.yaml:8:3: /);
    expect(stderr).toContain('beta');
  });

  it('ends with 130 when it is interrupted', async () => {
    const out = join(folder, 'interrupted run');
    const words = ['verify', 'cosine-concentration', '--out', out];
    const { code, stderr } = await dsteer(words, { interruptAt: 'engine ' });
    expect(code).toBe(130);
    expect(stderr).toMatch(
      new RegExp(
        `interrupted: what is done is kept. To go on:\n {2}dsteer verify cosine-concentration --out '${out}'\n$`,
      ),
    );
    await expect(readdir(out)).resolves.toEqual([]);
  });

  it('trains a policy and reads its states', async () => {
    const file = join(folder, 'tiny.yaml');
    const policy = join(folder, 'policy');
    await writeFile(file, experiment);
    const trained = await dsteer(['train', file, '--out', policy]);
    expect(trained, trained.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('2 steps') });
    expect(await readdir(policy)).toEqual(
      expect.arrayContaining([
        'config.json',
        'manifest.json',
        'metrics.jsonl',
        'model.safetensors',
        'tokenizer.json',
      ]),
    );
    const lines = (await readFile(join(policy, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const [first] = lines.map((line) => JSON.parse(line) as Record<string, number>);
    expect(lines).toHaveLength(2);
    expect(first?.['loss']).toBeCloseTo(Math.LN2, 5);
    expect(Object.keys(first ?? {})).toEqual(
      expect.arrayContaining(['rewards/margins', 'logps/chosen', 'grad_norm']),
    );
    const { embeddingHashes } = JSON.parse(await readFile(join(policy, 'manifest.json'), 'utf8'));
    expect(embeddingHashes.after).toEqual(embeddingHashes.before);
    const [prompts, states] = [join(folder, 'prompts.jsonl'), join(folder, 'states.safetensors')];
    await writeFile(prompts, '{"prompt": "The food was"}\n{"prompt": "I liked", "response": " it"}\n');
    const extracted = await dsteer(['extract', '--model', policy, '--prompts', prompts, '--out', states]);
    expect(extracted, extracted.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('× 2 ×') });
  });

  it('sweeps λ: 0 is the model itself, and v* moves base and policy apart ways', async () => {
    const file = join(folder, 'sweep.yaml');
    await writeFile(file, experiment.replace('train: 16', 'train: 96').replace('1.0e-4', '5.0e-4'));
    const { code, stdout, stderr } = await dsteer(['steer', file, '--lambda', '-1,0,1', '--json']);
    expect(code, stderr).toBe(0);
    const { base, policy, rows } = JSON.parse(stdout);
    expect(rows.map(({ lambda }: { lambda: number }) => lambda)).toEqual([-1, 0, 1]);
    expect(rows[1]).toMatchObject({ installed: base, inverted: policy });
    expect(policy.meanMargin).toBeGreaterThan(base.meanMargin);
    expect(rows[2].installed.meanMargin).toBeGreaterThan(base.meanMargin);
    expect(rows[2].inverted.meanMargin).toBeLessThan(policy.meanMargin);
    expect(rows[0].installed.meanMargin).toBeLessThan(base.meanMargin);
  });
});
