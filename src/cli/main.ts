#!/usr/bin/env node
/** The process around the command line: streams, interruption and the exit code. */

import { askOnTerminal } from './ask-on-terminal.js';
import { runCli } from './run-cli.js';

const INTERRUPTED = 130;

let resume: string | undefined;

const interrupt = (): never => {
  const cure = resume === undefined ? '' : `: what is done is kept. To go on:\n  ${resume}`;
  process.stderr.write(`\ninterrupted${cure}\n`);
  // Unfinished files and locks go as the process ends; worker processes end when they see that it has.
  process.exit(INTERRUPTED);
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);

// A reader that closes early, such as `head`, has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const { stdout, stderr, env } = process;
const code = await runCli(process.argv.slice(2), {
  stdout,
  stderr,
  environment: env,
  ask: process.stdin.isTTY && stdout.isTTY ? askOnTerminal : undefined,
  onResumable: (command) => {
    resume = command;
  },
});

// Engines may keep native threads alive, so the process ends here once everything written has left.
process.stdout.write('', () => {
  process.stderr.write('', () => process.exit(code));
});
