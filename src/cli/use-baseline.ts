/** `--baseline` and `--update-baseline`: the same for every command that ends with the report of a whole run. */

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../base/index.js';
import type { RunReport, ShardRequest } from '../claims/index.js';
import type { CommandContext } from './command-context.js';

export interface BaselineFlags {
  readonly baseline?: string;
  readonly updateBaseline?: true;
  readonly shard?: ShardRequest;
  readonly json?: true;
}

/** In the working directory, where what belongs to the project lies, and not with the runs, which come and go. */
const defaultFile = 'dsteer.baseline.json';

export const addBaselineOptions = (command: Command): Command =>
  command
    .option(
      '--baseline <file>',
      'fail where an estimate leaves its accepted band, a verdict is another, or a claim is missing',
    )
    .option(
      '--update-baseline',
      `accept what this run finds: writes the file that --baseline names (default: ${defaultFile}) and says what it changed`,
    );

export interface UsedBaseline {
  /** The report as it is shown and written: held against the baseline, or against none where that is updated. */
  hold(report: RunReport): RunReport;
  /** Writes the baseline anew where that was asked for, and tells what changed. */
  update(report: RunReport): Promise<void>;
}

const none: UsedBaseline = { hold: (report) => report, update: async () => undefined };

/**
 * Reads the baseline that the flags name, before any work is done.
 *
 * @throws InputError where it cannot be read; UsageError for flags that do not go together
 */
export const useBaseline = async (
  { baseline, updateBaseline, shard, json }: BaselineFlags,
  { stdout, stderr, environment, isQuiet }: CommandContext,
): Promise<UsedBaseline> => {
  if (baseline === undefined && updateBaseline === undefined) return none;
  const { portableName } = await import('../claims/index.js');
  const reports = await import('../reports/index.js');
  const file = baseline ?? defaultFile;
  if (updateBaseline === undefined) {
    const accepted = await reports.readBaseline(file);
    return { ...none, hold: (report) => reports.applyBaseline(report, accepted, portableName(file)) };
  }
  if (shard !== undefined) {
    throw new UsageError('--update-baseline needs a whole run: the verdicts of a shard may still change', {
      hint: 'dsteer report merge SHARDS… --out DIR --update-baseline',
    });
  }
  const previous = existsSync(file) ? await reports.readBaseline(file) : undefined;
  return {
    hold: reports.withoutBaseline,
    update: async (report) => {
      const update = reports.updateBaseline(report, previous);
      await reports.writeBaseline(file, update.baseline);
      const stream = json ? stderr : stdout;
      if (json && isQuiet) return;
      const options = {
        width: reports.widthOf(stream, environment),
        color: reports.wantsColor(stream, environment),
      };
      stream.write(`\n${reports.renderBaselineUpdate(update, file, options)}`);
    },
  };
};
