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
const resultOf = (own: TaskResult): JobResult => ({ parameters: 12, tasks: new Map([[taskKey(task), own]]) });

describe('the result of a job on disk', () => {
  it('comes back as it was, undefined draws and details too', async () => {
    await writeJobFile(folder, job, 'request', resultOf(measured));
    expect(await readJobFile(folder, job, 'request')).toEqual(resultOf(measured));
  });

  it('comes back as a failure where it was one', async () => {
    const failed: TaskResult = { state: 'failed', message: 'no prompt to judge' };
    await writeJobFile(folder, job, 'request', resultOf(failed));
    expect(await readJobFile(folder, job, 'request')).toEqual(resultOf(failed));
  });

  it('is nothing for another request, a task it lacks, or a damaged file', async () => {
    await writeJobFile(folder, job, 'request', resultOf(measured));
    expect(await readJobFile(folder, job, 'another request')).toBeUndefined();
    const more = { ...job, tasks: [task, { ...task, subject: 'sft' as const }] };
    expect(await readJobFile(folder, more, 'request')).toBeUndefined();
    const path = join(folder, job.id, 'measurements.json.gz');
    await writeFile(path, (await readFile(path)).subarray(0, 40));
    expect(await readJobFile(folder, job, 'request')).toBeUndefined();
    expect(await readJobFile(join(folder, 'nowhere'), job, 'request')).toBeUndefined();
  });
});
