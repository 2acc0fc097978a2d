/** A worker process: takes jobs from the run that forked it, one at a time, until that lets go of it. */
import { describeFault, type Progress } from '../../base/index.js';
import { startEngine } from '../../engine/index.js';
import { createArtefactStore } from '../../store/index.js';
import { loadSpecs } from '../spec/load.js';
import type { Job } from './job.js';
import type { FromWorker, JobMessage, ToWorker } from './messages.js';
import { createJobRunner, type JobRunner } from './run-job.js';

const tell = (message: FromWorker): void => {
  process.send?.(message);
};

/** Training steps pass unseen; every finished stage is a step of the whole. */
const progress: Progress = {
  stage: () => ({ advance: () => undefined, end: () => tell({ type: 'step' }) }),
  note: (text) => tell({ type: 'note', text }),
  warn: (text) => tell({ type: 'warn', text }),
};

const load = async ({ experiment, ...job }: JobMessage): Promise<Job> => {
  if (experiment === undefined) return { ...job, experiment: undefined };
  const specs = await loadSpecs(experiment.file);
  const found = specs.find((spec) => spec.kind === 'experiment' && spec.value.experiment === experiment.name);
  if (found?.kind !== 'experiment') throw new Error(`${experiment.file} no longer holds ${experiment.name}`);
  return { ...job, experiment: found };
};

let runner: JobRunner | undefined;

const handle = async (message: ToWorker): Promise<void> => {
  if (message.type === 'start') {
    await startEngine(message.engine);
    runner = createJobRunner({
      outFolder: message.outFolder,
      store: message.cache === undefined ? undefined : createArtefactStore(message.cache, progress),
      progress,
    });
    tell({ type: 'ready' });
    return;
  }
  if (runner === undefined) throw new Error('a job came before the start');
  tell({ type: 'done', result: await runner.run(await load(message.job)) });
};

process.on('message', (message) => {
  handle(message as ToWorker).catch((error: unknown) => tell({ type: 'fault', fault: describeFault(error) }));
});
// Whoever asked for the work is gone: nothing of it is wanted any more. A terminal interrupts all its processes; this one
// then ends with the one that asked, and takes what is unfinished with it.
process.once('disconnect', () => process.exit(1));
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
