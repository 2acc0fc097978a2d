/** Processes of our own that do a part of the work and answer by messages. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ComputationError, type DsteerError, ResourceError } from './errors.js';

/** TypeScript sources have no worker to start: only the built package has. */
export const isBuilt = import.meta.url.endsWith('.js');

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Why it ended before its work: most often memory, else with the last of what it wrote to stderr. */
  faultOfEnd(code: number | null, signal: NodeJS.Signals | null): DsteerError;
}

/** V8 aborts where its heap is full; the system kills where the machine's memory is. */
const endedForMemory = (signal: NodeJS.Signals | null, complaints: string): boolean =>
  signal === 'SIGKILL' || /out of memory|allocation failed/i.test(complaints);

/** @param environment beside this process's own */
export const forkWorker = (script: URL, environment: Readonly<Record<string, string>>): WorkerProcess => {
  const child = fork(fileURLToPath(script), [], {
    env: { ...process.env, ...environment },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  const faultOfEnd = (code: number | null, signal: NodeJS.Signals | null): DsteerError =>
    endedForMemory(signal, complaints)
      ? new ResourceError(`a worker process was ended (${signal ?? code}), most likely for want of memory`, {
          hint: 'what is done is kept: free memory, or use a smaller batch or model, and run the same command again',
        })
      : new ComputationError(`a worker process ended early (${signal ?? code}). ${complaints}`.trim());
  return { child, faultOfEnd };
};
