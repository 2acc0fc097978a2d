#!/usr/bin/env node
/** The process around the command line: streams, interruption and the exit code. */

import { runCli } from './run-cli.js';

const INTERRUPTED = 130;

process.on('SIGINT', () => {
  process.stderr.write('\ninterrupted\n');
  process.exit(INTERRUPTED);
});

// A reader that closes early, such as `head`, has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const { stdout, stderr, env } = process;
const code = await runCli(process.argv.slice(2), { stdout, stderr, environment: env });

// Engines may keep native threads alive, so the process ends here once everything written has left.
process.stdout.write('', () => {
  process.stderr.write('', () => process.exit(code));
});
