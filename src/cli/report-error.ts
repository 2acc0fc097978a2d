/** Errors as a user sees them: what is wrong, where, what to do, and the exit code that the contract gives. */

import { CommanderError } from 'commander';
import { DsteerError, type ExitCode, printable } from '../base/index.js';
import type { CommandContext } from './command-context.js';

/** Help and version were asked for and shown. */
const isShown = ({ code }: CommanderError): boolean =>
  code === 'commander.helpDisplayed' || code === 'commander.version';

/** A stack quotes the message it belongs to; its lines stay lines. */
const stackOf = ({ stack = '' }: Error): string => stack.split('\n').map(printable).join('\n');

/** Writes what there is to say of an error to stderr. Commander has said its own by then. */
export const reportError = (
  error: unknown,
  { stderr, environment }: Pick<CommandContext, 'stderr' | 'environment'>,
): ExitCode => {
  if (error instanceof CommanderError) return isShown(error) ? 0 : 2;
  const wantsStack = Boolean(environment['DSTEER_DEBUG']);
  if (error instanceof DsteerError) {
    stderr.write(`error: ${error.describe()}\n`);
    if (wantsStack) stderr.write(`${stackOf(error)}\n`);
    return error.exitCode;
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  stderr.write(`error: unexpected ${printable(message)}\n`);
  if (wantsStack && error instanceof Error) stderr.write(`${stackOf(error)}\n`);
  else stderr.write('  → run again with DSTEER_DEBUG=1 to see where, and report it with that output\n');
  return 1;
};
