import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { engineOption, examples, jsonOption, outcomeCodes, seedOption, shardOption } from './options.js';
import { runVerification, type VerificationFlags } from './run-verification.js';

interface VerifyFlags extends VerificationFlags {
  readonly suite?: string;
  readonly json?: true;
}

const runVerify = async (targets: string[], flags: VerifyFlags, context: CommandContext): Promise<void> => {
  const reports = await import('../reports/index.js');
  const { suite } = flags;
  await runVerification(
    { targets, ...(suite === undefined ? {} : { suite }) },
    flags,
    context,
    (report, options) => (flags.json ? reports.reportJson(report) : reports.renderConsole(report, options)),
  );
};

export const addVerifyCommand = (program: Command, context: CommandContext): void => {
  program
    .command('verify')
    .summary('make the evidence for claims, judge them, and report')
    .description(
      'Makes the evidence that claims need (DPO training, hidden states, controls), judges each claim by its interval against its threshold and against its controls, and writes the reports.',
    )
    .argument('[targets...]', 'claims, suites or YAML files; none means the suite quick')
    .option(
      '--suite <name>',
      'a shipped suite, or one of your own (default: quick, unless targets are given)',
    )
    .addOption(engineOption())
    .option('--out <folder>', 'where reports and evidence go (default: reports/<time>)')
    .addOption(seedOption('replaces the seeds of the experiments'))
    .addOption(shardOption())
    .option('--strict', 'an inconclusive verdict ends with exit code 1, not 3')
    .addOption(jsonOption('report.json'))
    .addHelpText(
      'after',
      `${examples(
        ['dsteer verify', 'the suite quick on the shipped model'],
        ['dsteer verify cosine-concentration --seed 101', 'one claim, trained with another seed'],
        ['dsteer verify full --shard 1/2 --out shards/1', 'half of a long suite, on one of two machines'],
        [
          'dsteer verify my-claims.yaml --out reports/mine --strict',
          'your own specification, as a gate in CI',
        ],
      )}

${outcomeCodes}`,
    )
    .action((targets: string[], flags: VerifyFlags) => runVerify(targets, flags, context));
};
