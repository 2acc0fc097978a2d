/** What of this machine dsteer can use: engines, BLAS, their measured speed, processor, memory and GPU. */

import { execFile } from 'node:child_process';
import { freemem, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { describeMachine, dsteerVersion, type MachineDescription } from '../base/index.js';
import { type EngineStatus, measureSgemm, startEngine, surveyEngines } from '../engine/index.js';
import { loadNativeBlas } from '../linalg/index.js';

export interface BlasSurvey {
  /** What the library calls itself. */
  readonly name: string;
  readonly path: string;
  /** 0 where the library does not tell. */
  readonly threads: number;
  readonly lapack: string | null;
}

export interface EngineSurvey {
  readonly status: EngineStatus;
  /** float32 products of 512 × 512 matrices through the engine; `null` where it is not available. */
  readonly sgemmGflops: number | null;
}

export interface MachineSurvey extends MachineDescription {
  readonly dsteer: string;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  /** As nvidia-smi names them; none where it is not there. */
  readonly gpus: readonly string[];
  /** What `auto` takes; `null` where no engine runs. */
  readonly automatic: string | null;
  /** In the order of the ladder. */
  readonly engines: readonly EngineSurvey[];
  readonly blas: BlasSurvey | { readonly unavailable: string };
}

const listGpus = async (): Promise<string[]> => {
  try {
    const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 5000 });
    return stdout.split('\n').filter((line) => line.trim() !== '');
  } catch {
    return [];
  }
};

const surveyBlas = (): MachineSurvey['blas'] => {
  const blas = loadNativeBlas();
  if ('unavailable' in blas) return { unavailable: blas.unavailable };
  return { name: blas.name, path: blas.path, threads: blas.threads, lapack: blas.lapack?.path ?? null };
};

const measureEngine = async (status: EngineStatus): Promise<EngineSurvey> => {
  if (!status.available) return { status, sgemmGflops: null };
  await startEngine(status.name);
  return { status, sgemmGflops: await measureSgemm() };
};

/** Surveys the machine; starts every engine that is available, one after the other, to measure it. */
export const surveyMachine = async (): Promise<MachineSurvey> => {
  const engines: EngineSurvey[] = [];
  for (const status of await surveyEngines()) engines.push(await measureEngine(status));
  const automatic = await startEngine('auto').catch(() => undefined);
  return {
    dsteer: dsteerVersion,
    ...describeMachine(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    gpus: await listGpus(),
    automatic: automatic?.name ?? null,
    engines,
    blas: surveyBlas(),
  };
};
