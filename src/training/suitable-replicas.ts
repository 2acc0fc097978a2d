import { canReplicate, engineCores } from '../engine/index.js';
import type { StageConfig } from './train-stage.js';

/** Fewer make products too small to be worth a thread. */
const examplesEach = 4;
/** Numbers in a model of 256 MiB: each replica has a copy, and what is larger spends its time in products. */
const largestModel = 64 * 2 ** 20;
/** Multiplications and additions that take several times as long as threads to start. */
const leastWork = 1e11;

export interface TrainingSize {
  readonly parameters: number;
  /** Tokens that one epoch reads. */
  readonly tokens: number;
}

/**
 * How many replicas speed up these stages on the active engine: as many as there are cores, or 1 where batches would be too
 * small to keep most of the cores at work, the model is too large to be copied or the whole too short to begin with it.
 */
export const suitableReplicas = (
  stages: readonly StageConfig[],
  { parameters, tokens }: TrainingSize,
): number => {
  const cores = canReplicate() ? engineCores() : 1;
  const smallest = Math.min(...stages.map(({ batchSize }) => batchSize));
  const count = Math.min(cores, Math.floor(smallest / examplesEach));
  const work = stages.reduce((sum, { epochs }) => sum + 6 * parameters * tokens * epochs, 0);
  const isAdapted = stages.some(({ lora }) => lora !== undefined);
  return 2 * count < cores || isAdapted || parameters > largestModel || work < leastWork
    ? 1
    : Math.max(1, count);
};
