/** Runs subjects on engines, each pair in a process of its own, one after the other. */
import {
  describeMachine,
  dsteerVersion,
  forkWorker,
  isBuilt,
  type Progress,
  UsageError,
} from '../base/index.js';
import {
  canReplicate,
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
      cases: subject.cases.filter((one) => isWanted(caseName(subject.name, one))),
    }))
    .filter(({ cases }) => cases.length > 0);
  if (selected.length > 0) return selected;
  throw new UsageError(`no benchmark is called anything like ${filters.join(' or ')}`, {
    hint: `subjects: ${subjects.map(({ name }) => name).join(', ')}; a case is called, for example, gemm/A·B 128³`,
  });
};

/** Linear algebra is done on the processor: engines on a device would only repeat it. Few engines have replicas. */
const subjectsFor = (engine: EngineName, selected: readonly Selected[]): readonly Selected[] =>
  selected
    .filter(({ subject }) => computesOnCores(engine) || subject.isLinearAlgebra !== true)
    .map(({ subject, cases }) => ({
      subject,
      cases: cases.filter(({ replicas = 1 }) => replicas === 1 || canReplicate(engine)),
    }));

const runWorker = (request: WorkerRequest, onResult: (result: BenchmarkResult) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const { child, faultOfEnd } = forkWorker(
      new URL('./worker-main.js', import.meta.url),
      environmentOf(request.engine),
    );
    child.on('message', (message: FromBenchmarkWorker) => {
      if (message.type === 'result') onResult(message.result);
      else {
        resolve();
        child.disconnect();
      }
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      reject(faultOfEnd(code, signal));
    });
    child.send(request);
  });

type RanEngine = Extract<BenchmarkEngine, { state: 'ran' }> & { readonly name: EngineName };
type SkippedEngine = Extract<BenchmarkEngine, { state: 'skipped' }>;

const runEngine = async (
  name: EngineName,
  selected: readonly Selected[],
  budgetMs: number,
  onResult: () => void,
): Promise<BenchmarkResult[]> => {
  const results: BenchmarkResult[] = [];
  for (const { subject, cases } of selected) {
    const seen = new Set<string>();
    const keep = (result: BenchmarkResult): void => {
      seen.add(caseName(subject.name, result));
      results.push(result);
      onResult();
    };
    const names = cases.map((one) => caseName(subject.name, one));
    try {
      await runWorker({ engine: name, subject: subject.name, cases: names, budgetMs }, keep);
    } catch (error) {
      // One case that brings its process down costs its subject's others, not the run.
      const message = error instanceof Error ? error.message : String(error);
      for (const { series, size, scale } of cases.filter((one) => !seen.has(caseName(subject.name, one)))) {
        keep({ state: 'failed', engine: name, subject: subject.name, series, size, scale, message });
      }
    }
  }
  return results;
};

/** A program that stands in for a GPU serves to check results, and takes minutes for a step: it has to be named. */
const engineOf = (status: EngineStatus, asked: EngineName | 'all'): RanEngine | SkippedEngine => {
  const { name } = status;
  if (!status.available) return { state: 'skipped', name, reason: status.reason };
  const { details } = status;
  const isSoftware = isSoftwareAdapter(details);
  if (asked === name || !isSoftware) return { state: 'ran', name, details, isSoftware };
  const reason = `${details} is a program, not a GPU; --engine ${name} times it all the same`;
  return { state: 'skipped', name, reason };
};

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
  const engines = (await surveyEngines())
    .filter(({ name }) => engine === 'all' || name === engine)
    .map((status) => engineOf(status, engine));
  const running = engines.filter((one) => one.state === 'ran');
  const total = running.flatMap(({ name }) => subjectsFor(name, selected).flatMap(({ cases }) => cases));
  const stage = progress.stage('timing', total.length);
  const results: BenchmarkResult[] = [];
  try {
    for (const { name, details } of running) {
      progress.note(`${name}: ${details}`);
      results.push(...(await runEngine(name, subjectsFor(name, selected), budgetMs, () => stage.advance())));
    }
  } finally {
    stage.end();
  }
  return {
    schema: 1,
    run: {
      dsteer: dsteerVersion,
      ...describeMachine(),
      startedAt: started.toISOString(),
      seconds: (Date.now() - started.getTime()) / 1000,
    },
    engines,
    results,
  };
};
