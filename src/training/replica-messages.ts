/** What the threads of a training say to each other. */
import type { WorkerThread } from '../base/index.js';
import type { EngineName } from '../engine/index.js';
import type { ModelConfig } from '../model/index.js';
import type { SharedMoments, SharedTraining, SquaredNorms } from './replica-share.js';
import type { TrainingTask } from './training-task.js';

/** What a thread is started with. */
export interface ReplicaStart {
  readonly engine: EngineName;
  readonly config: ModelConfig;
}

/** What a replica is asked, in the order in which a training asks it. Each says more in `ReplicaShare`. */
export type ToReplica =
  /** Answered once the engine runs. */
  | { readonly type: 'start' }
  /** `place` is the receiver's among all replicas. */
  | {
      readonly type: 'task';
      readonly task: TrainingTask;
      readonly place: number;
      readonly shared: SharedTraining;
    }
  | { readonly type: 'restore'; readonly moments: SharedMoments }
  /** Take all weights. */
  | { readonly type: 'weights' }
  /** Compute these parts of a step, in order. */
  | { readonly type: 'step'; readonly step: number; readonly places: readonly number[] }
  | { readonly type: 'sum'; readonly offering: readonly number[]; readonly present: readonly string[] }
  | { readonly type: 'show' }
  | { readonly type: 'update'; readonly rate: number; readonly scale: number }
  /** Take what others updated. */
  | { readonly type: 'take' }
  | { readonly type: 'save'; readonly buffers: Pick<SharedMoments, 'first' | 'second'> }
  | { readonly type: 'end' };

export interface PartResult {
  readonly place: number;
  readonly loss: number;
  readonly observed: readonly number[];
}

/** What was not asked for is empty. */
export interface FromReplica {
  readonly results: readonly PartResult[];
  readonly norms: SquaredNorms;
  readonly steps: SharedMoments['steps'];
}

export type Replica = WorkerThread<ToReplica, FromReplica>;
