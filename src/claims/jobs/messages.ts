/** What a run and its worker processes tell each other. */
import type { FaultMessage } from '../../base/index.js';
import type { EngineName } from '../../engine/index.js';
import type { Job, JobResult } from './job.js';

/** A job with its experiment by file and name: what it loads to is the worker's own. */
export interface JobMessage extends Omit<Job, 'experiment'> {
  readonly experiment: { readonly file: string; readonly name: string } | undefined;
}

export interface StartMessage {
  readonly type: 'start';
  readonly engine: EngineName;
  readonly outFolder: string;
  /** Folder of the artefact store. */
  readonly cache: string | undefined;
}

export type ToWorker = StartMessage | { readonly type: 'job'; readonly job: JobMessage };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'note' | 'warn'; readonly text: string }
  | { readonly type: 'step' }
  | { readonly type: 'done'; readonly result: JobResult }
  | { readonly type: 'fault'; readonly fault: FaultMessage };
