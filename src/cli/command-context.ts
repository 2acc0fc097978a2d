/** What a command may touch of the process: passed in, so that tests can run commands without one. */

import type { ExitCode } from '../base/index.js';
import type { Environment, WritableOutput } from '../reports/index.js';

export interface CommandContext {
  readonly stdout: WritableOutput;
  /** Progress, warnings and errors; results go to `stdout` alone. */
  readonly stderr: WritableOutput;
  readonly environment: Environment;
  /** Set by the command that ran. */
  exitCode: ExitCode;
}
