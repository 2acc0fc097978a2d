/** What a command may touch of the process: passed in, so that tests can run commands without one. */

import type { ExitCode } from '../base/index.js';
import type { Environment, WritableOutput } from '../reports/index.js';

/** What whoever runs a command line gives it. */
export interface CommandStreams {
  readonly stdout: WritableOutput;
  /** Progress, warnings and errors; results go to `stdout` alone. */
  readonly stderr: WritableOutput;
  readonly environment: Environment;
  /** Told the command line that would go on, once there is something to go on from. */
  readonly onResumable?: (command: string) => void;
  /** Asks the user; absent where there is no terminal to ask at. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
}

export interface CommandContext extends Required<Omit<CommandStreams, 'ask'>>, Pick<CommandStreams, 'ask'> {
  /** What follows `dsteer`. */
  readonly words: readonly string[];
  /** Warnings and errors alone on stderr. */
  isQuiet: boolean;
  /** Set by the command that ran. */
  exitCode: ExitCode;
}
