/** Choosing and starting an engine. */

import { availableParallelism } from 'node:os';
import { ResourceError, UsageError } from '../base/index.js';
import { limitToOneThread, loadNativeBlas } from '../linalg/index.js';
import { type BlasInfo, type Engine, EngineUnavailable } from './backends/engine.js';
import { tensorflowEngine, tensorflowGpuEngine } from './backends/tensorflow.js';
import { blasEngine, wasmEngine } from './backends/wasm.js';
import { webgpuEngine } from './backends/webgpu.js';

/** Every engine, in the order in which they are listed. */
export const ENGINE_NAMES = ['tensorflow-gpu', 'tensorflow', 'webgpu', 'blas', 'wasm'] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

const ENGINES: Readonly<Record<EngineName, Engine>> = {
  'tensorflow-gpu': tensorflowGpuEngine,
  tensorflow: tensorflowEngine,
  webgpu: webgpuEngine,
  blas: blasEngine,
  wasm: wasmEngine,
};

/** The order in which `auto` tries them. */
const AUTOMATIC: readonly EngineName[] = ['tensorflow-gpu', 'tensorflow', 'blas', 'wasm'];

/** Whether an engine computes on the processor's cores, so that a second process of it gains; others have a device. */
export const computesOnCores = (name: EngineName): boolean =>
  name === 'blas' || name === 'wasm' || name === 'tensorflow';

/** Environment of a process in which this engine is all there is: of `wasm` no BLAS serves linear algebra either. */
export const environmentOf = (name: EngineName): Readonly<Record<string, string>> =>
  name === 'wasm' ? { DSTEER_BLAS: 'none' } : {};

/** Whether a device's description is that of a program that stands in for a GPU. */
export const isSoftwareAdapter = (details: string): boolean =>
  /swiftshader|llvmpipe|lavapipe|basic render|software/i.test(details);

export interface EngineAttempt {
  readonly name: EngineName;
  readonly reason: string;
}

export interface EngineInfo {
  readonly name: EngineName;
  /** tfjs's name of the backend. */
  readonly backend: string;
  /** What computes, in words. */
  readonly details: string;
  readonly blas?: BlasInfo;
  /** Engines that `auto` tried before, and why each does not run here. */
  readonly tried: readonly EngineAttempt[];
}

export type EngineStatus =
  | { readonly name: EngineName; readonly available: true; readonly details: string }
  | {
      readonly name: EngineName;
      readonly available: false;
      readonly reason: string;
      readonly hint: string;
    };

let active: EngineInfo | undefined;

const startByName = async (name: EngineName, tried: readonly EngineAttempt[]): Promise<EngineInfo> => {
  const info: EngineInfo = { name, tried, ...(await ENGINES[name].start()) };
  active = info;
  return info;
};

const startFirst = async (): Promise<EngineInfo> => {
  const tried: EngineAttempt[] = [];
  for (const name of AUTOMATIC) {
    try {
      return await startByName(name, [...tried]);
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      tried.push({ name, reason: error.message });
    }
  }
  throw new ResourceError(
    `no engine runs here (${tried.map(({ name, reason }) => `${name}: ${reason}`).join('; ')})`,
    { hint: 'run dsteer doctor' },
  );
};

/** Reads an engine's name. @throws {UsageError} on any other text */
export const parseEngineName = (text: string): EngineName | 'auto' => {
  const known = (['auto', ...ENGINE_NAMES] as const).find((name) => name === text);
  if (known === undefined) {
    throw new UsageError(`there is no engine "${text}"`, { hint: `one of auto, ${ENGINE_NAMES.join(', ')}` });
  }
  return known;
};

/**
 * Starts an engine and makes it the active one, for the whole process.
 *
 * @throws {ResourceError} if an engine asked for by name cannot run here, or `DSTEER_BLAS` names what does not load
 */
export const startEngine = async (name: EngineName | 'auto'): Promise<EngineInfo> => {
  if (name === 'auto') return startFirst();
  try {
    return await startByName(name, []);
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    throw new ResourceError(`the engine ${name} cannot run here: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  }
};

/** The engine started last. @throws {UsageError} before any was */
export const activeEngine = (): EngineInfo => {
  if (active === undefined)
    throw new UsageError('no engine is started', { hint: 'await startEngine(…) first' });
  return active;
};

/** Whether other threads of this process can have an engine like the active one: not one that has a device to itself. */
export const canReplicate = (name = activeEngine().name): boolean => name === 'blas' || name === 'wasm';

/** Cores that the active engine may use: as many as its BLAS has threads, which the library's own variable decides. */
export const engineCores = (): number => activeEngine().blas?.threads || availableParallelism();

/** As `limitToOneThread`, of the active engine's BLAS; nothing where it has none. */
export const limitEngineToOneThread = (): (() => void) => {
  const blas = activeEngine().blas === undefined ? undefined : loadNativeBlas();
  return blas === undefined || 'unavailable' in blas ? () => undefined : limitToOneThread(blas);
};

const statusOf = async (name: EngineName): Promise<EngineStatus> => {
  try {
    return { name, available: true, details: await ENGINES[name].probe() };
  } catch (error) {
    if (error instanceof EngineUnavailable)
      return { name, available: false, reason: error.message, hint: error.hint };
    if (error instanceof ResourceError)
      return { name, available: false, reason: error.message, hint: error.hint ?? '' };
    throw error;
  }
};

/** What of every engine can run here, and why not: starts none of them. */
export const surveyEngines = async (): Promise<EngineStatus[]> => {
  const statuses: EngineStatus[] = [];
  for (const name of ENGINE_NAMES) statuses.push(await statusOf(name));
  return statuses;
};
