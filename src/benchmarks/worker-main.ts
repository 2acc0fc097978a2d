/** A process that times the cases of one subject on one engine, so that its memory and its engine are its own. */
import { resourceUsage } from 'node:process';
import {
  computesOnCores,
  type EngineInfo,
  type EngineName,
  isSoftwareAdapter,
  measureSgemm,
  startEngine,
} from '../engine/index.js';
import { type BenchmarkCase, caseName, type Subject } from './case.js';
import { timeCase } from './measure-case.js';
import type { BenchmarkResult } from './results.js';
import { subjects } from './subjects/index.js';

export interface WorkerRequest {
  readonly engine: EngineName;
  readonly subject: string;
  /** Names of the cases wanted. */
  readonly cases: readonly string[];
  readonly budgetMs: number;
}

export type FromBenchmarkWorker =
  | { readonly type: 'result'; readonly result: BenchmarkResult }
  | { readonly type: 'done' };

const tell = (message: FromBenchmarkWorker): void => {
  process.send?.(message);
};

/** Rows and columns of the product that sets the floor: a device has to be given enough to do. */
const floorSize = ({ name, details }: EngineInfo): number =>
  computesOnCores(name) || isSoftwareAdapter(details) ? 512 : 4096;

const measure = async (
  subject: Subject,
  benchmarkCase: BenchmarkCase,
  engine: EngineInfo,
  budgetMs: number,
): Promise<BenchmarkResult> => {
  const { series, size, scale, flops, tokens } = benchmarkCase;
  const identity = { engine: engine.name, subject: subject.name, series, size, scale };
  try {
    const before = await measureSgemm(floorSize(engine), 6);
    const timing = await timeCase(benchmarkCase, budgetMs);
    // The machine may have been busier before than after: the floor is the best that it could do.
    const best = Math.max(before, await measureSgemm(floorSize(engine), 6));
    const { medianMs } = timing;
    const floorMs = (work: number): number => work / best / 1e6;
    return {
      state: 'measured',
      ...identity,
      ...timing,
      gflops: flops === undefined ? null : flops / medianMs / 1e6,
      tokensPerSecond: tokens === undefined ? null : (1000 * tokens) / medianMs,
      toGemmFloor: flops === undefined ? null : medianMs / floorMs(flops),
      toGemm: medianMs / floorMs(2 * 512 ** 3),
      peakMemoryMiB: Math.round(resourceUsage().maxRSS / 1024),
    };
  } catch (error) {
    return {
      state: 'failed',
      ...identity,
      message: error instanceof Error ? error.message : String(error),
    };
  }
};

const serve = async (request: WorkerRequest): Promise<void> => {
  const engine = await startEngine(request.engine);
  const subject = subjects.find(({ name }) => name === request.subject);
  for (const benchmarkCase of subject?.cases ?? []) {
    if (subject === undefined || !request.cases.includes(caseName(subject.name, benchmarkCase))) continue;
    tell({ type: 'result', result: await measure(subject, benchmarkCase, engine, request.budgetMs) });
  }
  tell({ type: 'done' });
};

// What it throws ends the process, and is told by the one that forked it.
process.on('message', (message) => serve(message as WorkerRequest));
// Whoever asked for the timings is gone.
process.once('disconnect', () => process.kill(process.pid));
