import { join } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { engineOption, examples, jsonOption, seedOption } from './options.js';

interface VerifyFlags {
  readonly suite?: string;
  readonly engine: string;
  readonly out?: string;
  readonly seed?: number;
  readonly strict?: true;
  readonly json?: true;
}

/** A run's folder by default: `reports/2026-01-02T03-04-05`, the local way to sort runs by time. */
const defaultFolder = (now: Date): string =>
  join('reports', now.toISOString().slice(0, 19).replaceAll(':', '-'));

const runVerify = async (targets: string[], flags: VerifyFlags, context: CommandContext): Promise<void> => {
  const { parseEngineName } = await import('../engine/index.js');
  const engine = parseEngineName(flags.engine);
  const { exitCodeOf, verify } = await import('../claims/index.js');
  const reports = await import('../reports/index.js');
  const { stdout, stderr, environment } = context;
  const progress = reports.createProgress(stderr, environment);
  const outFolder = flags.out ?? defaultFolder(new Date());
  const verification = await verify({
    targets,
    engine,
    outFolder,
    progress,
    ...(flags.suite === undefined ? {} : { suite: flags.suite }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
  }).finally(() => progress.clear());
  await reports.writeReports(outFolder, verification);
  const { report } = verification;
  if (flags.json) {
    stdout.write(reports.reportJson(report));
  } else {
    const color = reports.wantsColor(stdout, environment);
    const table = reports.renderConsole(report, { width: reports.widthOf(stdout, environment), color });
    stdout.write(
      `\n${table}\n${reports.styleFor(color).dim(`Reports and evidence: ${reports.printable(outFolder)}`)}\n`,
    );
  }
  context.exitCode = exitCodeOf(report, { strict: flags.strict === true });
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
    .option('--strict', 'an inconclusive verdict ends with exit code 1, not 3')
    .addOption(jsonOption('report.json'))
    .addHelpText(
      'after',
      `${examples(
        ['dsteer verify', 'the suite quick on the shipped model'],
        ['dsteer verify cosine-concentration --seed 101', 'one claim, trained with another seed'],
        [
          'dsteer verify my-claims.yaml --out reports/mine --strict',
          'your own specification, as a gate in CI',
        ],
      )}

Exit codes: 0 every outcome is a pass, 1 a fail or an error among them, 2 bad usage, specification or input,
3 only inconclusive verdicts stand in the way (1 with --strict), 4 an engine or resource is missing, 130 interrupted.`,
    )
    .action((targets: string[], flags: VerifyFlags) => runVerify(targets, flags, context));
};
