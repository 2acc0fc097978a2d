import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { engineOption, examples, seedOption } from './options.js';

interface TrainFlags {
  readonly out: string;
  readonly engine: string;
  readonly seed?: number;
}

const runTrain = async (file: string, flags: TrainFlags, context: CommandContext): Promise<void> => {
  const { parseEngineName } = await import('../engine/index.js');
  const engine = parseEngineName(flags.engine);
  const { trainExperiment } = await import('./train-experiment.js');
  const reports = await import('../reports/index.js');
  const progress = reports.createProgress(context.stderr, context.environment);
  const { metrics } = await trainExperiment(file, {
    engine,
    outFolder: flags.out,
    progress,
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
  }).finally(() => progress.clear());
  const last = metrics.at(-1);
  const outcome =
    last === undefined
      ? 'no steps'
      : `${metrics.length} steps, loss ${reports.formatNumber(metrics[0]?.loss ?? null)} → ${reports.formatNumber(last.loss)}, reward margin ${reports.formatNumber(last['rewards/margins'])}, accuracy ${reports.formatNumber(last['rewards/accuracies'])}`;
  context.stdout.write(`${reports.printable(flags.out)}: ${outcome}\n`);
};

export const addTrainCommand = (program: Command, context: CommandContext): void => {
  program
    .command('train')
    .summary('train the policy of an experiment and keep it')
    .description(
      'Trains the policy of an experiment with DPO and writes a model folder, metrics.jsonl and manifest.json.',
    )
    .argument('<file>', 'experiment specification (YAML)')
    .requiredOption('--out <folder>', 'model folder to write')
    .addOption(engineOption())
    .addOption(seedOption('order of the data (default: the experiment’s first seed)'))
    .addHelpText(
      'after',
      examples([
        'dsteer train specs/experiments/one-frame.yaml --out policy',
        'a policy for extract, or for other tools',
      ]),
    )
    .action((file: string, flags: TrainFlags) => runTrain(file, flags, context));
};
