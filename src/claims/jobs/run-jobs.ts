/** Runs jobs, in worker processes where there are several of both, in this one otherwise. */
import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { faultOf, forkWorker, isBuilt, type Progress } from '../../base/index.js';
import { computesOnCores, type EngineName } from '../../engine/index.js';
import { oneBlasThread } from '../../linalg/index.js';
import { createArtefactStore } from '../../store/index.js';
import type { Job, JobResult } from './job.js';
import type { FromWorker, JobMessage, ToWorker } from './messages.js';
import { createJobRunner } from './run-job.js';

export interface RunJobsOptions {
  readonly engine: EngineName;
  readonly outFolder: string;
  /** Folder of the artefact store; without one nothing is reused. */
  readonly cache: string | undefined;
  /** Processes at most; default: as many as there are cores, where the engine computes on them. */
  readonly workers?: number;
  readonly progress: Progress;
  /** Called as each job is done, in the order in which that happens. */
  readonly onResult: (job: Job, result: JobResult) => Promise<void>;
}

const runHere = async (jobs: readonly Job[], { outFolder, cache, progress, onResult }: RunJobsOptions) => {
  const store = cache === undefined ? undefined : createArtefactStore(cache, progress);
  const runner = createJobRunner({ outFolder, store, progress });
  try {
    for (const job of jobs) await onResult(job, await runner.run(job));
  } finally {
    runner.dispose();
  }
};

const toMessage = ({ experiment, ...job }: Job): JobMessage => ({
  ...job,
  experiment: experiment && { file: experiment.file, name: experiment.value.experiment },
});

/** The next job: of the experiment that the worker has open, else of one that no worker has, else any. */
const takeJob = (
  queue: Job[],
  last: Job | undefined,
  open: ReadonlySet<Job['experiment']>,
): Job | undefined => {
  const own = queue.findIndex(({ experiment }) => last !== undefined && experiment === last.experiment);
  const fresh = queue.findIndex(({ experiment }) => !open.has(experiment));
  const [job] = queue.splice(own >= 0 ? own : Math.max(0, fresh), 1);
  return job;
};

const runInWorkers = async (
  jobs: readonly Job[],
  count: number,
  { engine, outFolder, cache, progress, onResult }: RunJobsOptions,
): Promise<void> => {
  const queue = [...jobs];
  const stage = progress.stage('evidence and measurements', jobs.length);
  const children: ChildProcess[] = [];
  const open = new Set<Job['experiment']>();

  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      // One thread each, however few jobs there are: the order of summation, and so the last digits, must not depend on what
      // else is asked for, nor on the machine.
      const { child, faultOfEnd } = forkWorker(new URL('./worker-main.js', import.meta.url), oneBlasThread);
      children.push(child);
      const send = (message: ToWorker): void => {
        child.send(message);
      };
      let current: Job | undefined;
      const next = (): void => {
        current = takeJob(queue, current, open);
        open.add(current?.experiment);
        if (current) send({ type: 'job', job: toMessage(current) });
        else {
          child.disconnect();
          resolve();
        }
      };
      const finish = async (result: JobResult): Promise<void> => {
        if (current) await onResult(current, result);
        stage.advance();
        next();
      };
      child.on('message', (message: FromWorker) => {
        if (message.type === 'ready') next();
        else if (message.type === 'done') finish(message.result).catch(reject);
        else if (message.type === 'fault') reject(faultOf(message.fault));
        else if (message.type === 'note') progress.note(message.text);
        else if (message.type === 'warn') progress.warn(message.text);
      });
      // What cannot be sent to a process that has gone is told by its end.
      child.on('error', (error) => {
        if (child.pid === undefined) reject(error);
      });
      child.on('exit', (code, signal) => {
        reject(faultOfEnd(code, signal));
      });
      send({ type: 'start', engine, outFolder, cache });
    });

  try {
    await Promise.all(Array.from({ length: count }, work));
  } finally {
    for (const child of children) if (child.connected) child.kill();
    stage.end();
  }
};

/**
 * Runs every job once.
 *
 * @throws what a job throws: bad input, a missing resource. A quantity that cannot be computed is a result instead
 */
export const runJobs = async (jobs: readonly Job[], options: RunJobsOptions): Promise<void> => {
  const cores = computesOnCores(options.engine) ? availableParallelism() : 1;
  const count = Math.min(jobs.length, options.workers ?? cores);
  const trains = jobs.some(({ experiment }) => experiment !== undefined);
  if (trains && isBuilt && computesOnCores(options.engine)) await runInWorkers(jobs, count, options);
  else await runHere(jobs, options);
};
