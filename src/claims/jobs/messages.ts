/** What a run and its worker processes tell each other. */
import { DsteerError, type ExitCode, type SourceLocation } from '../../base/index.js';
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

export interface FaultMessage {
  readonly message: string;
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly where?: SourceLocation;
  readonly hint?: string;
  readonly stack?: string;
}

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'note' | 'warn'; readonly text: string }
  | { readonly type: 'step' }
  | { readonly type: 'done'; readonly result: JobResult }
  | { readonly type: 'fault'; readonly fault: FaultMessage };

export const describeFault = (error: unknown): FaultMessage => {
  if (error instanceof DsteerError) {
    const { code, exitCode, where, hint, stack } = error;
    return {
      message: error.message,
      code,
      exitCode,
      ...(where === undefined ? {} : { where }),
      ...(hint === undefined ? {} : { hint }),
      ...(stack === undefined ? {} : { stack }),
    };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return { message, code: 'unexpected', exitCode: 1, ...(stack === undefined ? {} : { stack }) };
};

/** The error as it was in the worker. */
export const faultOf = ({ message, code, exitCode, where, hint, stack }: FaultMessage): Error => {
  if (code === 'unexpected') {
    const error = new Error(message);
    if (stack !== undefined) error.stack = stack;
    return error;
  }
  return new DsteerError(code, exitCode, message, {
    ...(where === undefined ? {} : { where }),
    ...(hint === undefined ? {} : { hint }),
  });
};
