/** `dsteer train` in a process of its own, killed in the middle. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../e2e/built-cli.js';

const root = resolve(import.meta.dirname, '..', '..');

const experiment = `experiment: stages
title: Adapters after fine-tuning
data: { preferences: one-frame, train: 24, heldOut: 64 }
training:
  initial:
    - { objective: sft, learningRate: 1.0e-4, epochs: 1, batchSize: 8 }
  learningRate: 1.0e-3
  epochs: 2
  batchSize: 8
  schedule: cosine
  warmupSteps: 2
  lora: { rank: 4, alpha: 8, dropout: 0.1 }
  checkpointEvery: 2
seeds: [100]
`;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program, whose start is quick; it is killed outright once `killOnce` is true. */
const train = (words: readonly string[], killOnce?: () => boolean): Promise<Ended> =>
  new Promise((fulfil, reject) => {
    const child = spawn(process.execPath, ['dist/cli/main.js', 'train', ...words], { cwd: root });
    const written = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (chunk: Buffer) => {
        written[stream] += chunk.toString();
      });
    }
    const watch = setInterval(() => {
      if (killOnce?.()) child.kill('SIGKILL');
    }, 2);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      fulfil({ code, signal, ...written });
    });
  });

let folder = '';
let file = '';
beforeAll(async () => {
  ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'dsteer-resume-'));
  file = join(folder, 'stages.yaml');
  await writeFile(file, experiment);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

describe('dsteer train, killed', () => {
  it('should go on when run again, and end with the files of an unbroken run to the byte', async () => {
    const [unbroken, killed] = [join(folder, 'unbroken'), join(folder, 'killed')];
    const whole = await train([file, '--out', unbroken]);
    expect(whole, whole.stderr).toMatchObject({ code: 0 });
    expect(whole.stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/sft: 3 steps, loss/),
      expect.stringMatching(/dpo: 6 steps, loss 0\.693 .*reward margin/),
    ]);
    const halfway = join(killed, 'checkpoints', '2-dpo', 'step-000000002', 'state.json');
    const end = await train([file, '--out', killed], () => existsSync(halfway));
    expect(end, end.stderr).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(existsSync(join(killed, 'manifest.json'))).toBe(false);
    const resumed = await train([file, '--out', killed]);
    expect(resumed, resumed.stderr).toMatchObject({
      code: 0,
      stdout: whole.stdout.replaceAll('unbroken', 'killed'),
    });
    expect(resumed.stderr).toMatch(/going on from step 3\n.*going on from step [24]\n/s);
    expect(resumed.stderr).toContain('read from');
    const names = (await readdir(unbroken, { recursive: true })).sort();
    expect(
      (await readdir(killed, { recursive: true })).filter((name) => !name.endsWith('.tmp')).sort(),
    ).toEqual(names);
    expect(names).toEqual(
      expect.arrayContaining([
        'adapter/adapter_config.json',
        'adapter/adapter_model.safetensors',
        'metrics.jsonl',
        'model.safetensors',
        'stages/1-sft/model.safetensors',
      ]),
    );
    expect(names.filter((name) => name.startsWith('checkpoints'))).toEqual([]);
    for (const name of names.filter((each) => /\.(?:safetensors|jsonl)$/.test(each))) {
      expect((await readFile(join(killed, name))).equals(await readFile(join(unbroken, name))), name).toBe(
        true,
      );
    }
    const lines = (await readFile(join(killed, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const steps = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(steps.map(({ stage, step }) => [stage, step])).toEqual([
      ...Array.from({ length: 3 }, (_, step) => [1, step]),
      ...Array.from({ length: 6 }, (_, step) => [2, step]),
    ]);
    expect(steps[3]?.['loss']).toBeCloseTo(Math.LN2, 6);
  }, 180_000);
});
