/** Runs subjects on engines, each pair in a process of its own, one after the other. */
import { fork } from 'node:child_process';
import { arch, availableParallelism, cpus, platform, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ComputationError, dsteerVersion, type Progress, UsageError } from '../base/index.js';
import {
  computesOnCores,
  type EngineName,
  type EngineStatus,
  environmentOf,
  isSoftwareAdapter,
  surveyEngines,
} from '../engine/index.js';
import { type BenchmarkCase, caseName, type Subject } from './case.js';
import type { BenchmarkEngine, BenchmarkReport, BenchmarkResult } from './results.js';
import { subjects } from './subjects/index.js';
import type { FromBenchmarkWorker, WorkerRequest } from './worker-main.js';

export interface BenchmarkOptions {
  /** `all`: every engine that runs here. */
  readonly engine: EngineName | 'all';
  /** Only cases whose name, `subject/series size`, holds one of these texts; every case where empty. */
  readonly filters: readonly string[];
  /** Milliseconds that a case is repeated for. */
  readonly budgetMs: number;
  readonly progress: Progress;
}

interface Selected {
  readonly subject: Subject;
  readonly cases: readonly BenchmarkCase[];
}

const selectCases = (filters: readonly string[]): Selected[] => {
  const isWanted = (name: string): boolean =>
    filters.length === 0 || filters.some((filter) => name.toLowerCase().includes(filter.toLowerCase()));
  const selected = subjects
    .map((subject) => ({
      subject,
      cases: subject.cases.filter((one) => isWanted(caseName(subject, one))),
    }))
    .filter(({ cases }) => cases.length > 0);
  if (selected.length > 0) return selected;
  throw new UsageError(`no benchmark is called anything like ${filters.join(' or ')}`, {
    hint: `subjects: ${subjects.map(({ name }) => name).join(', ')}; a case is called, for example, ${caseName(subjects[0] as Subject, subjects[0]?.cases[0] as BenchmarkCase)}`,
  });
};

/** Linear algebra is done on the processor: engines on a device would only repeat it. */
const subjectsFor = (engine: EngineName, selected: readonly Selected[]): readonly Selected[] =>
  selected.filter(({ subject }) => computesOnCores(engine) || subject.isLinearAlgebra !== true);

const runWorker = (request: WorkerRequest, onResult: (result: BenchmarkResult) => void): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./worker-main.js', import.meta.url)), [], {
      env: { ...process.env, ...environmentOf(request.engine) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let complaints = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-4000);
    });
    child.on('message', (message: FromBenchmarkWorker) => {
      if (message.type === 'result') onResult(message.result);
      else {
        resolve(message.details);
        child.disconnect();
      }
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      reject(new ComputationError(`its process ended early (${signal ?? code}). ${complaints.trim()}`));
    });
    child.send(request);
  });

interface EngineRun {
  readonly engine: BenchmarkEngine;
  readonly results: readonly BenchmarkResult[];
}

const runEngine = async (
  { name, details }: Extract<EngineStatus, { available: true }>,
  selected: readonly Selected[],
  budgetMs: number,
  onResult: () => void,
): Promise<EngineRun> => {
  const results: BenchmarkResult[] = [];
  for (const { subject, cases } of selected) {
    const seen = new Set<string>();
    const keep = (result: BenchmarkResult): void => {
      seen.add(`${result.series} ${result.size}`);
      results.push(result);
      onResult();
    };
    const names = cases.map((one) => caseName(subject, one));
    try {
      await runWorker({ engine: name, subject: subject.name, cases: names, budgetMs }, keep);
    } catch (error) {
      // One case that brings its process down costs its subject's others, not the run.
      const message = error instanceof Error ? error.message : String(error);
      for (const { series, size, scale } of cases.filter((one) => !seen.has(`${one.series} ${one.size}`))) {
        keep({ state: 'failed', engine: name, subject: subject.name, series, size, scale, message });
      }
    }
  }
  return { engine: { state: 'ran', name, details, isSoftware: isSoftwareAdapter(details) }, results };
};

/** A program that stands in for a GPU serves to check results, and takes minutes for a step. */
const reasonToSkip = (status: EngineStatus, asked: EngineName | 'all'): string | undefined => {
  if (!status.available) return status.reason;
  if (asked === status.name || !isSoftwareAdapter(status.details)) return undefined;
  return `${status.details} is a program, not a GPU; --engine ${status.name} times it all the same`;
};

/** TypeScript sources have no worker to fork: only the built package has. */
const isBuilt = import.meta.url.endsWith('.js');

/**
 * Times every case asked for, on every engine asked for that runs here. Engines that do not are in the report with the
 * reason.
 *
 * @throws UsageError where no case is wanted
 */
export const runBenchmarks = async ({
  engine,
  filters,
  budgetMs,
  progress,
}: BenchmarkOptions): Promise<BenchmarkReport> => {
  const selected = selectCases(filters);
  if (!isBuilt) throw new UsageError('benchmarks run from the built package', { hint: 'npm run build' });
  const started = new Date();
  const statuses = (await surveyEngines()).filter(({ name }) => engine === 'all' || name === engine);
  const running = statuses.filter((status) => reasonToSkip(status, engine) === undefined);
  const total = running.flatMap(({ name }) => subjectsFor(name, selected).flatMap(({ cases }) => cases));
  const stage = progress.stage('timing', total.length);
  const runs: EngineRun[] = [];
  try {
    for (const status of statuses) {
      const reason = reasonToSkip(status, engine);
      if (!status.available || reason !== undefined) {
        runs.push({ engine: { state: 'skipped', name: status.name, reason: reason ?? '' }, results: [] });
        continue;
      }
      progress.note(`${status.name}: ${status.details}`);
      runs.push(await runEngine(status, subjectsFor(status.name, selected), budgetMs, () => stage.advance()));
    }
  } finally {
    stage.end();
  }
  return {
    schema: 1,
    run: {
      dsteer: dsteerVersion,
      node: process.versions.node,
      platform: `${platform()} ${release()} ${arch()}`,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      startedAt: started.toISOString(),
      seconds: (Date.now() - started.getTime()) / 1000,
    },
    engines: runs.map((run) => run.engine),
    results: runs.flatMap(({ results }) => results),
  };
};
