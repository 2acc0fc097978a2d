/** What every trainer takes beside its configuration, and gives. */
import type { Progress } from '../base/index.js';
import type { ArtefactStore } from '../store/index.js';
import type { StepMetrics } from './config.js';
import type { LoraAdapter } from './lora.js';
import type { Replicas } from './replicas.js';

export interface CheckpointOptions {
  /** Where they are kept; the folder is this training's own. */
  readonly folder: string;
  /** Steps from one to the next; there is one after the last step, too. */
  readonly every: number;
}

export interface TrainingOptions<Metrics extends StepMetrics = StepMetrics> {
  /** Decides the order of the data, and what dropout drops. */
  readonly seed: number;
  readonly progress?: Progress;
  /** Of each step made; not of those that a checkpoint already holds. */
  readonly onStep?: (metrics: Metrics) => void | Promise<void>;
  /** Trained instead of the model's own parameters; it stays attached, and the caller's. */
  readonly adapter?: LoraAdapter | undefined;
  /** Save the state now and then, and go on from the newest state of this very training. */
  readonly checkpoints?: CheckpointOptions | undefined;
  /**
   * Models on other threads that compute parts of each step: results change by rounding only. Not used where an adapter is
   * trained; they stay the caller's.
   */
  readonly replicas?: Replicas | undefined;
  /** Take the trained weights from here where this very training was done before, and keep them here. */
  readonly store?: ArtefactStore | undefined;
}

export interface TrainingResult<Metrics extends StepMetrics = StepMetrics> {
  readonly metrics: readonly Metrics[];
  /** SHA-256 of E and W_U (one entry when tied) before and after: equal if and only if they stayed fixed. */
  readonly embeddingHashes: {
    readonly before: Readonly<Record<string, string>>;
    readonly after: Readonly<Record<string, string>>;
  };
  /** Tokens that went through the model, padding not counted. */
  readonly tokens: number;
  /** Of this process; steps that a checkpoint held cost nothing. */
  readonly seconds: number;
  /** Nothing was trained: the store had the weights. */
  readonly reused: boolean;
}
