/** The result of a job on disk, so that an interrupted run takes up where it was, and others can redraw its verdicts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { stableJson, writeFileAtomic } from '../../store/index.js';
import { type Job, type JobResult, type TaskResult, taskKey } from './job.js';

const fileName = 'measurements.json.gz';

const taskSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('measured'),
    n: z.number(),
    estimate: z.number(),
    draws: z.array(z.number().nullable()),
    resampling: z.string(),
    independent: z.boolean(),
    counts: z.object({ successes: z.number(), trials: z.number() }).exactOptional(),
    details: z.record(z.string(), z.number().nullable()),
    counterexample: z.object({ seed: z.number(), path: z.string(), value: z.string() }).exactOptional(),
  }),
  z.object({ state: z.literal('failed'), message: z.string() }),
]);

const fileSchema = z.object({
  schema: z.literal(1),
  request: z.string(),
  parameters: z.number().nullable(),
  tasks: z.record(z.string(), taskSchema),
});

const fromFile = (task: z.output<typeof taskSchema>): TaskResult => {
  if (task.state === 'failed') return task;
  return {
    ...task,
    draws: Float64Array.from(task.draws, (value) => value ?? Number.NaN),
    details: Object.fromEntries(
      Object.entries(task.details).map(([key, value]) => [key, value ?? Number.NaN]),
    ),
  };
};

/**
 * What an earlier run of the same request left; nothing where it is missing, damaged, of another request or short of a
 * task.
 *
 * @param request fingerprint of everything that the result depends on
 */
export const readJobFile = async (
  outFolder: string,
  job: Job,
  request: string,
): Promise<JobResult | undefined> => {
  try {
    const bytes = gunzipSync(await readFile(join(outFolder, job.id, fileName)));
    const file = fileSchema.parse(JSON.parse(bytes.toString('utf8')));
    if (file.request !== request || job.tasks.some((task) => !(taskKey(task) in file.tasks)))
      return undefined;
    const tasks = Object.entries(file.tasks).map(([key, task]) => [key, fromFile(task)] as const);
    return { parameters: file.parameters, tasks: new Map(tasks) };
  } catch {
    return undefined;
  }
};

/** JSON has no NaN: what is undefined is null. */
const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

const toFile = (task: TaskResult) => {
  if (task.state === 'failed') return task;
  return {
    ...task,
    draws: Array.from(task.draws, orNull),
    details: Object.fromEntries(Object.entries(task.details).map(([key, value]) => [key, orNull(value)])),
  };
};

/** Written last of a job's files: where it stands, the others are whole. */
export const writeJobFile = async (
  outFolder: string,
  job: Job,
  request: string,
  { parameters, tasks }: JobResult,
): Promise<void> => {
  const file = {
    schema: 1,
    request,
    parameters,
    tasks: Object.fromEntries([...tasks].map(([key, task]) => [key, toFile(task)])),
  };
  await writeFileAtomic(join(outFolder, job.id, fileName), gzipSync(stableJson(file)));
};
