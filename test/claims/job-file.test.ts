import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job, JobResult, TaskResult } from '../../src/claims/index.js';
import { taskKey } from '../../src/claims/index.js';
import { readJobFile, writeJobFile } from '../../src/claims/jobs/job-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-jobs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const warnings: string[] = [];
const progress = { warn: (text: string) => void warnings.push(text) };

const task = { metric: 'flips-undone', layers: 'final', subject: 'claim', draws: 2000 } as const;
const job: Job = {
  id: 'tiny/seed-7',
  experiment: undefined,
  seed: 7,
  variants: [],
  alternatives: [],
  tasks: [task],
};
const measured: TaskResult = {
  state: 'measured',
  n: 3,
  estimate: 0.5,
  draws: Float64Array.of(0.25, Number.NaN, 1),
  resampling: 'r',
  independent: true,
  counts: { successes: 1, trials: 2 },
  details: { flips: 2, share: Number.NaN },
};
const resultOf = (own: TaskResult): JobResult => ({
  reused: 0,
  parameters: 12,
  tasks: new Map([[taskKey(task), own]]),
});

describe('the result of a job on disk', () => {
  it('comes back as it was, undefined draws and details too', async () => {
    await writeJobFile(folder, job, 'request', resultOf(measured));
    expect(await readJobFile(folder, job, 'request', progress)).toEqual(resultOf(measured));
  });

  it('comes back as a failure where it was one', async () => {
    const failed: TaskResult = { state: 'failed', message: 'no prompt to judge' };
    await writeJobFile(folder, job, 'request', resultOf(failed));
    expect(await readJobFile(folder, job, 'request', progress)).toEqual(resultOf(failed));
  });

  it('is nothing for another request, a task it lacks, or where there is none', async () => {
    await writeJobFile(folder, job, 'request', resultOf(measured));
    expect(await readJobFile(folder, job, 'another request', progress)).toBeUndefined();
    const more = { ...job, tasks: [task, { ...task, subject: 'sft' as const }] };
    expect(await readJobFile(folder, more, 'request', progress)).toBeUndefined();
    expect(await readJobFile(join(folder, 'nowhere'), job, 'request', progress)).toBeUndefined();
  });

  it('is set aside with a warning where it is damaged, by a single bit too', async () => {
    await writeJobFile(folder, job, 'request', resultOf(measured));
    const path = join(folder, job.id, 'measurements.json.gz');
    const whole = await readFile(path);
    const flipped = Uint8Array.from(whole);
    flipped[whole.length >> 1] = (flipped[whole.length >> 1] ?? 0) ^ 1;
    for (const damaged of [whole.subarray(0, 40), flipped]) {
      warnings.length = 0;
      await writeFile(path, damaged);
      expect(await readJobFile(folder, job, 'request', progress)).toBeUndefined();
      expect(warnings).toEqual([expect.stringContaining(`${path} is set aside as ${path}.corrupt`)]);
      expect(new Uint8Array(await readFile(`${path}.corrupt`))).toEqual(new Uint8Array(damaged));
      expect(await readJobFile(folder, job, 'request', progress)).toBeUndefined();
      expect(warnings).toHaveLength(1);
    }
  });

  it('vouches for the evidence beside it: changed or gone, the job is done again', async () => {
    const evidence = join(folder, job.id, 'prompts.csv');
    for (const spoil of [() => writeFile(evidence, 'a,c\n'), () => rm(evidence)]) {
      await writeFile(evidence, 'a,b\n');
      await writeJobFile(folder, job, 'request', resultOf(measured));
      expect(await readJobFile(folder, job, 'request', progress)).toEqual(resultOf(measured));
      warnings.length = 0;
      await spoil();
      expect(await readJobFile(folder, job, 'request', progress)).toBeUndefined();
      expect(warnings).toEqual([expect.stringContaining('prompts.csv')]);
    }
  });
});
