/** Does one job: makes its evidence, measures every task on it, leaves the evidence behind. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ComputationError, DsteerError, type Progress } from '../../base/index.js';
import { countParameters } from '../../model/index.js';
import type { ArtefactStore } from '../../store/index.js';
import {
  collectActivationEvidence,
  collectPromptEvidence,
  collectSeedEvidence,
  type PreparedEvidence,
  prepareEvidence,
  type SeedEvidence,
  writeSeedEvidence,
  writeVectors,
} from '../evidence/index.js';
import { isPropertyMetric, type Measurement, measureOnPrompts, measureOnTensors } from '../metrics/index.js';
import type { LoadedExperiment } from '../spec/load.js';
import { type Job, type JobResult, type Task, type TaskResult, taskKey } from './job.js';
import { createResampler } from './resample.js';
import { writeChartData } from './write-chart-data.js';

/** A quantity that cannot be computed is an error of its own rows, not of the run. */
const attempt = async (
  measure: () => Promise<Measurement>,
  toResult: (measurement: Measurement) => TaskResult,
): Promise<TaskResult> => {
  try {
    return toResult(await measure());
  } catch (error) {
    if (!(error instanceof DsteerError) || error.exitCode !== 1) throw error;
    return { state: 'failed', message: error.message };
  }
};

const measureTask = (
  { metric, layers, subject, draws }: Task,
  seed: number,
  evidence: SeedEvidence | undefined,
  resample: ReturnType<typeof createResampler>,
): Promise<TaskResult> => {
  const toResult = (measurement: Measurement): TaskResult => resample(measurement, draws);
  if (isPropertyMetric(metric)) return attempt(() => measureOnTensors[metric](subject, seed), toResult);
  if (evidence === undefined) throw new RangeError(`${metric} needs an experiment`);
  return attempt(() => measureOnPrompts[metric]({ evidence, layers }, subject), toResult);
};

const measureAll = async (
  { id, tasks, seed }: Job,
  evidence: SeedEvidence | undefined,
  progress: Progress,
): Promise<Map<string, TaskResult>> => {
  const results = new Map<string, TaskResult>();
  const resample = createResampler();
  const stage = progress.stage(`measuring ${id}`, tasks.length);
  try {
    for (const task of tasks) {
      results.set(taskKey(task), await measureTask(task, seed, evidence, resample));
      stage.advance();
    }
  } finally {
    stage.end();
  }
  return results;
};

/** Pictures are worth having, not worth a run: what cannot be drawn is told and left out. */
const attemptCharts = async (folder: string, evidence: SeedEvidence, progress: Progress): Promise<void> => {
  try {
    await writeChartData(folder, evidence);
  } catch (error) {
    if (!(error instanceof DsteerError) || error.exitCode !== 1) throw error;
    progress.warn(`no charts of ${evidence.experiment.experiment}: ${error.message}`);
  }
};

const failAll = ({ tasks }: Job, message: string): Map<string, TaskResult> =>
  new Map(tasks.map((task) => [taskKey(task), { state: 'failed', message }]));

export interface JobRunner {
  run(job: Job): Promise<JobResult>;
  /** Frees the model that is kept between the seeds of one experiment. */
  dispose(): void;
}

export interface JobRunnerOptions {
  readonly outFolder: string;
  /** Where trained policies are kept. */
  readonly store: ArtefactStore | undefined;
  readonly progress: Progress;
}

/** Runs jobs one after the other; those of one experiment share what exists before training. */
export const createJobRunner = ({ outFolder, store, progress }: JobRunnerOptions): JobRunner => {
  let kept: { readonly key: string; readonly prepared: PreparedEvidence } | undefined;
  const dispose = (): void => {
    kept?.prepared.dispose();
    kept = undefined;
  };
  const prepare = async (experiment: NonNullable<Job['experiment']>): Promise<PreparedEvidence> => {
    const key = `${experiment.file}\n${experiment.value.experiment}`;
    if (kept?.key === key) return kept.prepared;
    dispose();
    const prepared = await prepareEvidence(experiment, { store, progress });
    kept = { key, prepared };
    return prepared;
  };
  const judgeStates = async (job: Job, experiment: LoadedExperiment): Promise<JobResult> => {
    const folder = join(outFolder, job.id);
    await mkdir(folder, { recursive: true });
    const { seed, variants } = job;
    const { evidence, hasFinal } =
      experiment.value.activations === undefined
        ? {
            evidence: await collectPromptEvidence(experiment, { seed, variants, progress, folder }),
            hasFinal: true,
          }
        : await collectActivationEvidence(experiment, seed, progress);
    const tasks = await measureAll(job, evidence, progress);
    await writeVectors(join(folder, 'steering-vectors.safetensors'), evidence, hasFinal);
    return { parameters: null, tasks, reused: 0 };
  };
  const run = async (job: Job): Promise<JobResult> => {
    const { experiment, seed, variants, alternatives, id } = job;
    if (experiment === undefined)
      return { parameters: null, tasks: await measureAll(job, undefined, progress), reused: 0 };
    const { activations, data } = experiment.value;
    if (activations !== undefined || data.prompts !== undefined) return judgeStates(job, experiment);
    const prepared = await prepare(experiment);
    const parameters = countParameters(prepared.model);
    let evidence: SeedEvidence;
    try {
      evidence = await collectSeedEvidence(prepared, { seed, variants, alternatives, store, progress });
    } catch (error) {
      if (!(error instanceof ComputationError)) throw error;
      return { parameters, tasks: failAll(job, error.message), reused: 0 };
    }
    try {
      const tasks = await measureAll(job, evidence, progress);
      await writeSeedEvidence(join(outFolder, id), evidence);
      await attemptCharts(join(outFolder, id), evidence, progress);
      const trainings = ['dpo' as const, ...variants].map((name) => evidence.training(name));
      return { parameters, tasks, reused: trainings.filter((training) => training?.reused).length };
    } finally {
      evidence.dispose();
    }
  };
  return { run, dispose };
};
