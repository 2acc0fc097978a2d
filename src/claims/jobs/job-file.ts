/** The result of a job on disk, so that an interrupted run takes up where it was, and others can redraw its verdicts. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Progress } from '../../base/index.js';
import {
  checksumsOf,
  checksumsSchema,
  findDamage,
  setAside,
  stableJson,
  writeFileAtomic,
} from '../../store/index.js';
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
  /** Evidence that the job left, which reports draw. */
  files: checksumsSchema,
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

const readBytes = (path: string): Promise<Buffer | undefined> =>
  readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });

const decode = (bytes: Buffer): z.output<typeof fileSchema> | undefined => {
  try {
    return fileSchema.parse(JSON.parse(gunzipSync(bytes).toString('utf8')));
  } catch {
    return undefined;
  }
};

/**
 * What an earlier run of the same request left; nothing where it is missing, of another request or short of a task. What
 * is damaged, or vouches for evidence that is, is set aside with a warning.
 *
 * @param request fingerprint of everything that the result depends on
 */
export const readJobFile = async (
  outFolder: string,
  job: Job,
  request: string,
  progress: Pick<Progress, 'warn'>,
): Promise<JobResult | undefined> => {
  const path = join(outFolder, job.id, fileName);
  const bytes = await readBytes(path);
  if (bytes === undefined) return undefined;
  const file = decode(bytes);
  if (file === undefined) {
    await setAside(path, 'it cannot be read', progress);
    return undefined;
  }
  if (file.request !== request || job.tasks.some((task) => !(taskKey(task) in file.tasks))) return undefined;
  const damage = await findDamage(join(outFolder, job.id), file.files);
  if (damage !== undefined) {
    await setAside(path, damage, progress);
    return undefined;
  }
  const tasks = Object.entries(file.tasks).map(([key, task]) => [key, fromFile(task)] as const);
  return { parameters: file.parameters, tasks: new Map(tasks), reused: 0 };
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

/** Written last of a job's files, with their checksums: where it stands, the others are whole. */
export const writeJobFile = async (
  outFolder: string,
  job: Job,
  request: string,
  { parameters, tasks }: JobResult,
): Promise<void> => {
  const folder = join(outFolder, job.id);
  await mkdir(folder, { recursive: true });
  const { [fileName]: _, ...files } = await checksumsOf(folder);
  const file = {
    schema: 1,
    request,
    parameters,
    files,
    tasks: Object.fromEntries([...tasks].map(([key, task]) => [key, toFile(task)])),
  };
  await writeFileAtomic(join(folder, fileName), gzipSync(stableJson(file)));
};
