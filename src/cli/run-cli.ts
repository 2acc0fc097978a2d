import type { ExitCode } from '../base/index.js';
import type { CommandContext, CommandStreams } from './command-context.js';
import { createProgram } from './program.js';
import { reportError } from './report-error.js';

/**
 * Runs one command line to its end. Never throws.
 *
 * @param words what follows `dsteer`
 * @returns the exit code
 */
export const runCli = async (words: readonly string[], streams: CommandStreams): Promise<ExitCode> => {
  const context: CommandContext = {
    onResumable: () => undefined,
    ...streams,
    words,
    isQuiet: false,
    exitCode: 0,
  };
  try {
    const program = createProgram(context);
    if (words.length === 0) {
      program.outputHelp({ error: true });
      return 2;
    }
    await program.parseAsync([...words], { from: 'user' });
    return context.exitCode;
  } catch (error) {
    return reportError(error, context);
  }
};
