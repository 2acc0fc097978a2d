import type { Command } from 'commander';
import { printable } from '../base/index.js';
import type { CommandContext } from './command-context.js';
import { examples, jsonOption } from './options.js';
import { addBaselineOptions, type BaselineFlags, useBaseline } from './use-baseline.js';

interface MergeFlags extends BaselineFlags {
  readonly out: string;
  readonly strict?: true;
}

const runMerge = async (runs: string[], flags: MergeFlags, context: CommandContext): Promise<void> => {
  const reports = await import('../reports/index.js');
  const { exitCodeOf } = await import('../claims/index.js');
  const { stdout, stderr, environment } = context;
  const baseline = await useBaseline(flags, context);
  const report = await reports.mergeRuns(runs, flags.out, baseline.hold);
  if (flags.json) {
    stdout.write(reports.reportJson(report));
  } else {
    const color = reports.wantsColor(stdout, environment);
    const table = reports.renderConsole(report, { width: reports.widthOf(stdout, environment), color });
    const where = reports.styleFor(color).dim(`Reports and evidence: ${printable(flags.out)}`);
    stdout.write(`${table}\n${where}\n`);
  }
  await reports.announceToGithub(report, { environment, stream: stderr });
  await baseline.update(report);
  context.exitCode = exitCodeOf(report, { strict: flags.strict === true });
};

export const addReportMergeCommand = (report: Command, context: CommandContext): void => {
  const command = report
    .command('merge')
    .summary('put the shards of a run together')
    .description(
      'Puts the shards of one run together, or joins runs of different claims: the report, every view of it, and the evidence. Corrections for many claims are done again over all of them, so that shards give the report of the whole run; shards that were held against a baseline are held against it again together.',
    )
    .argument('<runs...>', 'folders of finished runs')
    .requiredOption('--out <folder>', 'a new folder for the merged run')
    .option('--strict', 'an inconclusive verdict ends with exit code 1, not 3');
  addBaselineOptions(command)
    .addOption(jsonOption('the merged report.json'))
    .addHelpText(
      'after',
      `${examples(
        [
          'dsteer report merge shards/1 shards/2 --out reports/whole',
          'two shards of `dsteer verify --shard`',
        ],
        [
          'dsteer report merge shards/* --out reports/whole --strict',
          'all of them, as the gate of a CI pipeline',
        ],
        [
          'dsteer report merge shards/* --out reports/whole --baseline dsteer.baseline.json',
          'all of them, held against what was accepted before',
        ],
      )}

Exit codes are those of verify, for the merged run: 0 every outcome is a pass, 1 a fail or an error among them,
2 runs that do not belong together, 3 only inconclusive verdicts stand in the way (1 with --strict).`,
    )
    .action((runs: string[], flags: MergeFlags) => runMerge(runs, flags, context));
};
