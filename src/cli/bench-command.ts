import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { printable, UsageError } from '../base/index.js';
import type { CommandContext } from './command-context.js';
import { openProgress } from './open-progress.js';
import { examples, jsonOption, wholeNumber } from './options.js';

interface BenchFlags {
  readonly engine: string;
  readonly filter: readonly string[];
  readonly out: string;
  readonly budget: number;
  readonly against?: string;
  readonly tolerance: number;
  readonly json?: true;
}

const runBench = async (flags: BenchFlags, context: CommandContext): Promise<void> => {
  const { parseEngineName } = await import('../engine/index.js');
  const engine = flags.engine === 'all' ? 'all' : parseEngineName(flags.engine);
  if (engine === 'auto') {
    throw new UsageError('benchmarks name their engine, or time all of them', {
      hint: '--engine all, or a name that `dsteer doctor` lists',
    });
  }
  const { compareReports, readBenchmarkReport, runBenchmarks } = await import('../benchmarks/index.js');
  const reports = await import('../reports/index.js');
  const { writeFileAtomic } = await import('../store/index.js');
  const before = flags.against === undefined ? undefined : await readBenchmarkReport(flags.against);
  const progress = await openProgress(context);
  const { filter: filters, budget: budgetMs, out } = flags;
  const report = await runBenchmarks({ engine, filters, budgetMs, progress });
  progress.clear();
  const file = join(out, 'bench.json');
  await writeFileAtomic(file, reports.toJson(report));
  const drawing = await reports.drawBenchmarks(report);
  if (drawing !== undefined) await writeFileAtomic(join(out, 'bench.svg'), drawing);
  const comparisons = before && compareReports(before, report, flags.tolerance);
  const style = reports.styleFor(reports.wantsColor(context.stdout, context.environment));
  if (flags.json)
    context.stdout.write(reports.toJson(comparisons === undefined ? report : { ...report, comparisons }));
  else {
    const gate = comparisons === undefined ? '' : `\n${reports.renderRegressions(comparisons, style)}`;
    context.stdout.write(`${reports.renderBenchmarks(report, style)}${gate}\n${printable(file)}\n`);
  }
  const failed = report.results.some(({ state }) => state === 'failed');
  const slower = comparisons?.some((one) => one.state === 'compared' && one.isSlower);
  if (failed || slower) context.exitCode = 1;
  else if (!report.engines.some(({ state }) => state === 'ran')) context.exitCode = 4;
};

const readShare = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('A share such as 0.25 is needed.');
  return value;
};

export const addBenchCommand = (program: Command, context: CommandContext): void => {
  program
    .command('bench')
    .summary('time kernels, steps, extraction, spectra and a whole run, over engines and sizes')
    .description(
      'Times everything that is hot on every engine that runs here, over a ladder of sizes, and sets each against the speed of the same engine’s matrix product in the same process. Writes bench.json and bench.svg.',
    )
    .option('--engine <name>', 'all, or a name that `dsteer doctor` lists', 'all')
    .option(
      '--filter <text>',
      'only cases whose name holds this text; may be given several times',
      (text: string, known: readonly string[]) => [...known, text],
      [] as readonly string[],
    )
    .option('--budget <ms>', 'how long each case is repeated', wholeNumber(1), 400)
    .option('--out <folder>', 'where bench.json and bench.svg go', 'reports/bench')
    .option(
      '--against <file>',
      'compare with an earlier bench.json; a case that became slower ends with exit code 1',
    )
    .option('--tolerance <share>', 'how much slower a case may be', readShare, 0.25)
    .addOption(jsonOption('bench.json'))
    .addHelpText(
      'after',
      `${examples(
        ['dsteer bench', 'everything, on every engine that runs here'],
        ['dsteer bench --filter step --engine all', 'training and DPO steps alone'],
        [
          'dsteer bench --filter "gemm/A·B 512" --filter dpo-step --against before.json',
          'whether these have become slower, as a gate in CI',
        ],
      )}

A comparison is of multiples of a 512³ product timed in the same process, not of times: it holds across machines of
different speed. A case is slower where the whole interval of the ratio lies above 1 + tolerance.

Exit codes: 0 timed, 1 a case failed or became slower, 2 bad usage or file, 4 no engine asked for runs here.`,
    )
    .action((flags: BenchFlags) => runBench(flags, context));
};
