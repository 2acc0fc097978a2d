import type { ExitCode } from '../../src/base/index.js';
import { runCli } from '../../src/cli/run-cli.js';

export interface CliResult {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with streams that are files 100 columns wide. */
export const run = async (
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CliResult> => {
  const written = { stdout: '', stderr: '' };
  const streamTo = (name: 'stdout' | 'stderr') => ({
    columns: 100,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const code = await runCli(words, {
    stdout: streamTo('stdout'),
    stderr: streamTo('stderr'),
    environment: { DSTEER_CACHE: 'off', ...environment },
  });
  return { code, ...written };
};
