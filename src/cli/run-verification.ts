/** What `verify` and `compare` have in common: a run, its files, its text on stdout, its exit code. */

import { join } from 'node:path';
import { printable } from '../base/index.js';
import type { GivenEvidence, RunReport } from '../claims/index.js';
import type { ConsoleOptions } from '../reports/index.js';
import { cacheFolder } from '../store/index.js';
import type { CommandContext } from './command-context.js';
import { holdingFolder } from './hold-folder.js';
import { openProgress } from './open-progress.js';
import { type BaselineFlags, useBaseline } from './use-baseline.js';

export interface VerificationFlags extends BaselineFlags {
  readonly engine: string;
  readonly out?: string;
  readonly seed?: number;
  readonly strict?: true;
  readonly allowOutside?: true;
  /** False after --no-cache. */
  readonly cache: boolean;
}

/** A run's folder by default: `reports/2026-01-02T03-04-05`, the local way to sort runs by time. */
const defaultFolder = (now: Date): string =>
  join('reports', now.toISOString().slice(0, 19).replaceAll(':', '-'));

/** Verifies what was asked for, writes the reports, and prints what `render` makes of them. */
export const runVerification = async (
  request: { readonly targets: readonly string[]; readonly suite?: string; readonly given?: GivenEvidence },
  flags: VerificationFlags,
  context: CommandContext,
  render: (report: RunReport, options: ConsoleOptions) => string,
): Promise<void> => {
  const { parseEngineName } = await import('../engine/index.js');
  const engine = parseEngineName(flags.engine);
  const { exitCodeOf, verify } = await import('../claims/index.js');
  const reports = await import('../reports/index.js');
  const { stdout, stderr, environment } = context;
  const baseline = await useBaseline(flags, context);
  const progress = await openProgress(context);
  const asked = flags.out === undefined ? { newFolder: defaultFolder(new Date()) } : { folder: flags.out };
  const cache = flags.cache ? cacheFolder(environment) : undefined;
  const { outFolder, report } = await holdingFolder(asked, context, async (outFolder) => {
    const made = await verify({
      ...request,
      engine,
      outFolder,
      progress,
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(flags.shard === undefined ? {} : { shard: flags.shard }),
      ...(cache === undefined ? {} : { cache }),
      allowOutside: flags.allowOutside === true,
    }).finally(() => progress.clear());
    const report = baseline.hold(made.report);
    await reports.writeReports(outFolder, { ...made, report });
    return { outFolder, report };
  });
  await reports.announceToGithub(report, { environment, stream: stderr });
  const color = reports.wantsColor(stdout, environment);
  const text = render(report, { width: reports.widthOf(stdout, environment), color });
  stdout.write(
    flags.json
      ? text
      : `\n${text}\n${reports.styleFor(color).dim(`Reports and evidence: ${printable(outFolder)}`)}\n`,
  );
  await baseline.update(report);
  context.exitCode = exitCodeOf(report, { strict: flags.strict === true });
};
