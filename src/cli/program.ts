import { Command } from 'commander';
import { dsteerVersion } from '../base/index.js';
import { addAnalyzeCommand } from './analyze-command.js';
import { addBenchCommand } from './bench-command.js';
import { addCacheCommand } from './cache-command.js';
import type { CommandContext } from './command-context.js';
import { addCompareCommand } from './compare-command.js';
import { addCompletionCommand } from './completion-command.js';
import { addDataCommand } from './data-command.js';
import { addDoctorCommand } from './doctor-command.js';
import { addExtractCommand } from './extract-command.js';
import { addInitCommand } from './init-command.js';
import { examples } from './options.js';
import { addReportCommand } from './report-command.js';
import { addSteerCommand } from './steer-command.js';
import { addTrainCommand } from './train-command.js';
import { addVerifyCommand } from './verify-command.js';

/** The same option of every command: it takes progress and notes off stderr. */
const addQuietOption = (command: Command, context: CommandContext): void => {
  for (const child of command.commands) addQuietOption(child, context);
  if (command.parent === null) return;
  command
    .option('-q, --quiet', 'no progress and no notes on stderr: warnings and errors alone')
    .hook('preAction', (_, action) => {
      context.isQuiet = action.opts<{ quiet?: true }>().quiet === true;
    });
};

/** The command line, with nothing run yet. Commands load what they need when they run, so that help is quick. */
export const createProgram = (context: CommandContext): Command => {
  const { stdout, stderr } = context;
  const program = new Command('dsteer')
    .description(
      'Verifies the claims of D-STEER (arXiv 2512.11838) about DPO: evidence from real training, controls, intervals, verdicts.',
    )
    .version(dsteerVersion, '-V, --version')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('(add --help for the options and examples)')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => Math.min(stdout.columns ?? 100, 110),
      getErrHelpWidth: () => Math.min(stderr.columns ?? 100, 110),
    })
    .addHelpText(
      'after',
      examples(
        ['dsteer verify', 'check the headline claims on the shipped model'],
        ['dsteer doctor', 'see which engines run here'],
        ['dsteer analyze activations.safetensors', 'look at hidden states captured elsewhere'],
      ),
    )
    .exitOverride();
  addVerifyCommand(program, context);
  addInitCommand(program, context);
  addCompareCommand(program, context);
  addTrainCommand(program, context);
  addExtractCommand(program, context);
  addAnalyzeCommand(program, context);
  addSteerCommand(program, context);
  addDataCommand(program, context);
  addBenchCommand(program, context);
  addReportCommand(program, context);
  addCacheCommand(program, context);
  addDoctorCommand(program, context);
  addCompletionCommand(program, context);
  addQuietOption(program, context);
  return program;
};
