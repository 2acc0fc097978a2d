import type { Command } from 'commander';
import { UsageError } from '../base/index.js';
import type { CommandContext } from './command-context.js';
import {
  allowOutsideOption,
  cacheOption,
  engineOption,
  examples,
  jsonOption,
  outcomeCodes,
  seedOption,
} from './options.js';
import { runVerification, type VerificationFlags } from './run-verification.js';

/** @throws UsageError for a target without a comparison table */
const checkTables = async (targets: readonly string[]): Promise<void> => {
  const { loadCatalogue, select } = await import('../claims/index.js');
  const catalogue = await loadCatalogue();
  const { tables } = await select(targets, catalogue);
  if (tables.length > 0) return;
  const names = [...catalogue.suites]
    .filter(([, { value }]) => value.tables !== undefined)
    .map(([name]) => name);
  throw new UsageError(`${targets.join(', ')} has no conditions to compare`, {
    hint: `suites with comparison tables: ${names.join(', ')}`,
  });
};

const runCompare = async (
  targets: string[],
  flags: VerificationFlags,
  context: CommandContext,
): Promise<void> => {
  await checkTables(targets);
  const { renderComparison, toJson } = await import('../reports/index.js');
  await runVerification({ targets }, flags, context, (report, options) =>
    flags.json ? toJson(report.tables) : renderComparison(report, options),
  );
};

export const addCompareCommand = (program: Command, context: CommandContext): void => {
  program
    .command('compare')
    .summary('set conditions side by side, with paired differences')
    .description(
      'Makes the evidence of every condition of a suite and prints its comparison tables: each metric under each condition, and its paired difference to the baseline with an interval. The claims of the suite are judged too.',
    )
    .argument(
      '<suites...>',
      'suites with tables (frozen-vs-unfrozen, heterogeneity, scaling, sensitivity), or YAML files',
    )
    .addOption(engineOption())
    .option('--out <folder>', 'where reports and evidence go (default: reports/<time>)')
    .addOption(seedOption('replaces the seeds of the suite'))
    .addOption(allowOutsideOption())
    .addOption(cacheOption())
    .option('--strict', 'an inconclusive verdict ends with exit code 1, not 3')
    .addOption(jsonOption('the tables'))
    .addHelpText(
      'after',
      `${examples(
        ['dsteer compare frozen-vs-unfrozen', 'embeddings kept or trained, tied or not'],
        ['dsteer compare heterogeneity --seed 101', 'mixtures of preferences, under one training seed'],
        ['dsteer compare my-suite.yaml --out reports/mine', 'conditions of your own'],
      )}

${outcomeCodes}`,
    )
    .action((targets: string[], flags: VerificationFlags) => runCompare(targets, flags, context));
};
