/** Processes of our own that do a part of the work and answer by messages. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** TypeScript sources have no worker to fork: only the built package has. */
export const isBuilt = import.meta.url.endsWith('.js');

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** How it ended, with the last of what it wrote to stderr. */
  describeEnd(code: number | null, signal: NodeJS.Signals | null): string;
}

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
  return { child, describeEnd: (code, signal) => `ended early (${signal ?? code}). ${complaints}` };
};
