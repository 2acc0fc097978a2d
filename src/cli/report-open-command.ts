import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { printable } from '../base/index.js';
import type { CommandContext } from './command-context.js';
import { openWithSystem } from './open-with-system.js';
import { examples, jsonOption } from './options.js';

const runOpen = async (run: string, { json }: { json?: true }, context: CommandContext): Promise<void> => {
  const reports = await import('../reports/index.js');
  const { stdout, stderr, environment } = context;
  const page = await reports.ensureHtml(run);
  if (json) {
    stdout.write(reports.toJson({ page, url: pathToFileURL(page).href }));
    return;
  }
  stdout.write(`${page}\n${pathToFileURL(page).href}\n`);
  if (stdout.isTTY !== true || environment['CI']) return;
  const fault = await openWithSystem(page);
  if (fault !== undefined) stderr.write(`no browser was opened: ${printable(fault)}\n`);
};

export const addReportOpenCommand = (report: Command, context: CommandContext): void => {
  report
    .command('open')
    .summary('open report.html of a finished run')
    .description(
      'Prints the path and the address of a run’s report.html, made where it is missing, and on a terminal opens it with what the system opens pages with.',
    )
    .argument('<run>', 'folder of the run')
    .addOption(jsonOption('path and address, opening nothing,'))
    .addHelpText('after', examples(['dsteer report open reports/sample', 'look at the run that is shipped']))
    .action((run: string, flags: { json?: true }) => runOpen(run, flags, context));
};
