import { type Command, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import { examples, jsonOption } from './options.js';
import { addReportDiffCommand } from './report-diff-command.js';
import { addReportMergeCommand } from './report-merge-command.js';
import { addReportOpenCommand } from './report-open-command.js';

const formats = ['console', 'html', 'junit', 'sarif', 'markdown', 'json'] as const;

type Format = (typeof formats)[number];

interface ReportFlags {
  readonly format?: Format;
  readonly json?: true;
}

const runReport = async (
  run: string,
  { format = 'console', json }: ReportFlags,
  context: CommandContext,
): Promise<void> => {
  const reports = await import('../reports/index.js');
  const report = await reports.readReport(run);
  const { stdout, environment } = context;
  const views: Readonly<Record<Format, () => string | Promise<string>>> = {
    console: () =>
      reports.renderConsole(report, {
        width: reports.widthOf(stdout, environment),
        color: reports.wantsColor(stdout, environment),
      }),
    html: async () => (await reports.renderHtml(report, await reports.runFolderOf(run))).html,
    junit: () => reports.junitXml(report),
    sarif: () => reports.sarifJson(report),
    markdown: () => reports.summaryMarkdown(report),
    json: () => reports.reportJson(report),
  };
  stdout.write(await views[json ? 'json' : format]());
};

export const addReportCommand = (program: Command, context: CommandContext): void => {
  // What follows the name of a command is its own: --json is an option of this command and of those below it.
  program.enablePositionalOptions();
  const report = program
    .command('report')
    .summary('print a finished run again, merge runs, or compare two')
    .description(
      'Prints a finished run again, from its report.json, in the format asked for. The exit code says nothing of the verdicts.',
    )
    .argument('<run>', 'folder of the run, or its report.json')
    .enablePositionalOptions()
    .addOption(new Option('--format <name>', 'what to print (default: console)').choices(formats))
    .addOption(jsonOption('the report').conflicts('format'))
    .addHelpText(
      'after',
      examples(
        ['dsteer report reports/sample', 'the run that comes with the package’s sources'],
        [
          'dsteer report reports/mine --format html > mine.html',
          'the page, with charts of the evidence beside the report',
        ],
        [
          'dsteer report merge shard-1 shard-2 --out reports/whole',
          'the report of the whole run, from its shards',
        ],
        ['dsteer report diff reports/before reports/after', 'what moved between two runs'],
      ),
    )
    .action((run: string, flags: ReportFlags) => runReport(run, flags, context));
  addReportMergeCommand(report, context);
  addReportDiffCommand(report, context);
  addReportOpenCommand(report, context);
};
