import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from './command-context.js';
import { engineOption, examples, jsonOption, seedOption } from './options.js';
import type { SteeredBehaviour } from './steer-experiment.js';

interface SteerFlags {
  readonly lambda: readonly number[];
  readonly engine: string;
  readonly seed?: number;
  readonly json?: true;
}

const DEFAULT_LAMBDAS = [-1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.5, 2];

const parseLambdas = (text: string): number[] =>
  text.split(',').map((part) => {
    const value = part.trim() === '' ? Number.NaN : Number(part);
    if (!Number.isFinite(value)) throw new InvalidArgumentError('Numbers parted by commas are needed.');
    return value;
  });

const runSteer = async (file: string, flags: SteerFlags, context: CommandContext): Promise<void> => {
  const { parseEngineName } = await import('../engine/index.js');
  const engine = parseEngineName(flags.engine);
  const { steerExperiment } = await import('./steer-experiment.js');
  const reports = await import('../reports/index.js');
  const { stdout, stderr, environment } = context;
  const progress = reports.createProgress(stderr, environment);
  const result = await steerExperiment(file, {
    lambdas: flags.lambda,
    engine,
    progress,
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
  }).finally(() => progress.clear());
  if (flags.json) {
    stdout.write(reports.toJson(result));
    return;
  }
  const cells = ({ meanMargin, preferenceAccuracy }: SteeredBehaviour): string[] => [
    reports.formatNumber(meanMargin),
    reports.formatNumber(preferenceAccuracy),
  ];
  const right = [true, true, true, true, true];
  const lines = reports.alignColumns(
    [
      ['λ', 'base + λv*: MARGIN', 'ACCURACY', 'policy − λv*: MARGIN', 'ACCURACY'],
      ...result.rows.map(({ lambda, installed, inverted }) => [
        String(lambda),
        ...cells(installed),
        ...cells(inverted),
      ]),
    ],
    right,
  );
  const told = ({ meanMargin, preferenceAccuracy }: SteeredBehaviour): string =>
    `margin ${reports.formatNumber(meanMargin)}, accuracy ${reports.formatNumber(preferenceAccuracy)}`;
  const head = `${reports.printable(result.experiment)}, seed ${result.seed}, ${result.n} held-out prompts, each steered by the other fold's v*`;
  stdout.write(
    `${head}\nbase: ${told(result.base)}\npolicy: ${told(result.policy)}\n\n${lines.join('\n')}\n`,
  );
};

export const addSteerCommand = (program: Command, context: CommandContext): void => {
  program
    .command('steer')
    .summary('sweep λ: what base + λv* and policy − λv* prefer')
    .description(
      'Trains the policy of an experiment, takes v* at the final hidden state, and tells how margin and accuracy of the preferred completions change with λ on held-out prompts.',
    )
    .argument('<file>', 'experiment specification (YAML)')
    .option('--lambda <list>', 'multiples of v*, parted by commas', parseLambdas, DEFAULT_LAMBDAS)
    .addOption(engineOption())
    .addOption(seedOption('order of the data (default: the experiment’s first seed)'))
    .addOption(jsonOption('the sweep'))
    .addHelpText(
      'after',
      examples(
        [
          'dsteer steer specs/experiments/one-frame.yaml',
          'how much of DPO one vector installs and takes back',
        ],
        ['dsteer steer mine.yaml --lambda -1,0,1,4 --json', 'your own experiment, as numbers'],
      ),
    )
    .action((file: string, flags: SteerFlags) => runSteer(file, flags, context));
};
