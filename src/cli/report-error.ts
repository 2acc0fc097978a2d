/** Errors as a user sees them: what is wrong, where, what to do, and the exit code that the contract gives. */

import { CommanderError } from 'commander';
import { DsteerError, type ExitCode, printable } from '../base/index.js';
import type { CommandContext } from './command-context.js';

/** Help and version were asked for and shown. */
const isShown = ({ code }: CommanderError): boolean =>
  code === 'commander.helpDisplayed' || code === 'commander.version';

/** Messages quote files and models: nothing in them may move the cursor. */
const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** Writes what there is to say of an error to stderr. Commander has said its own by then. */
export const reportError = (error: unknown, { stderr, environment }: CommandContext): ExitCode => {
  if (error instanceof CommanderError) return isShown(error) ? 0 : 2;
  const wantsStack = Boolean(environment['DSTEER_DEBUG']);
  if (error instanceof DsteerError) {
    stderr.write(`error: ${printableLines(error.describe())}\n`);
    if (wantsStack) stderr.write(`${error.stack}\n`);
    return error.exitCode;
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  stderr.write(`error: unexpected ${printableLines(message)}\n`);
  if (wantsStack && error instanceof Error) stderr.write(`${error.stack}\n`);
  else stderr.write('  → run again with DSTEER_DEBUG=1 to see where, and report it with that output\n');
  return 1;
};
