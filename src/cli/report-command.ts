import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { examples, jsonOption } from './options.js';

const runReport = async (run: string, { json }: { json?: true }, context: CommandContext): Promise<void> => {
  const reports = await import('../reports/index.js');
  const report = await reports.readReport(run);
  const { stdout, environment } = context;
  const options = {
    width: reports.widthOf(stdout, environment),
    color: reports.wantsColor(stdout, environment),
  };
  stdout.write(json ? reports.reportJson(report) : reports.renderConsole(report, options));
};

export const addReportCommand = (program: Command, context: CommandContext): void => {
  program
    .command('report')
    .summary('print the table of a finished run again')
    .description(
      'Prints the table of a finished run again, from its report.json. The exit code says nothing of the verdicts.',
    )
    .argument('<run>', 'folder of the run, or its report.json')
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      examples(['dsteer report reports/sample', 'the run that comes with the package’s sources']),
    )
    .action((run: string, flags: { json?: true }) => runReport(run, flags, context));
};
