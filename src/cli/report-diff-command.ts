import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { examples, jsonOption } from './options.js';

const runDiff = async (
  before: string,
  after: string,
  { json }: { json?: true },
  context: CommandContext,
): Promise<void> => {
  const reports = await import('../reports/index.js');
  const diff = reports.diffReports(await reports.readReport(before), await reports.readReport(after));
  const { stdout, environment } = context;
  const options = {
    width: reports.widthOf(stdout, environment),
    color: reports.wantsColor(stdout, environment),
  };
  stdout.write(json ? reports.toJson(diff) : reports.renderDiff(diff, options));
};

export const addReportDiffCommand = (report: Command, context: CommandContext): void => {
  report
    .command('diff')
    .summary('tell what moved between two runs')
    .description(
      'Tells which claims are new, gone or moved between two runs. An estimate has moved where one run’s lies outside the other’s interval. The exit code says nothing of what moved.',
    )
    .argument('<before>', 'folder of a run, or its report.json')
    .argument('<after>', 'folder of another')
    .addOption(jsonOption('the difference'))
    .addHelpText(
      'after',
      examples(
        ['dsteer report diff reports/sample reports/mine', 'your run beside the one that is shipped'],
        ['dsteer report diff before after --json', 'the same for a program'],
      ),
    )
    .action((before: string, after: string, flags: { json?: true }) =>
      runDiff(before, after, flags, context),
    );
};
