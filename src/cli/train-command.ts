import { type Command, Option } from 'commander';
import { printable } from '../base/index.js';
import type { CommandContext } from './command-context.js';
import { holdingFolder } from './hold-folder.js';
import { openProgress } from './open-progress.js';
import {
  allowOutsideOption,
  engineOption,
  examples,
  jsonOption,
  seedOption,
  wholeNumber,
} from './options.js';

interface TrainFlags {
  readonly out: string;
  readonly engine: string;
  readonly seed?: number;
  readonly objective?: 'dpo' | 'sft' | 'lm';
  readonly checkpointEvery?: number;
  readonly cache?: string;
  readonly allowOutside?: true;
  readonly json?: true;
}

const runTrain = async (file: string, flags: TrainFlags, context: CommandContext): Promise<void> => {
  const { parseEngineName } = await import('../engine/index.js');
  const engine = parseEngineName(flags.engine);
  const { trainExperiment } = await import('./train-experiment.js');
  const { formatNumber, toJson } = await import('../reports/index.js');
  const progress = await openProgress(context);
  const stages = await holdingFolder({ folder: flags.out }, context, (outFolder) =>
    trainExperiment(file, {
      engine,
      outFolder,
      progress,
      allowOutside: flags.allowOutside === true,
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(flags.objective === undefined ? {} : { objective: flags.objective }),
      ...(flags.checkpointEvery === undefined ? {} : { checkpointEvery: flags.checkpointEvery }),
      ...(flags.cache === undefined ? {} : { cacheFolder: flags.cache }),
    }),
  ).finally(() => progress.clear());
  if (flags.json) {
    const summaries = stages.map(({ objective, result: { metrics, tokens, seconds } }) => {
      return { objective, steps: metrics.length, tokens, seconds, first: metrics[0], last: metrics.at(-1) };
    });
    context.stdout.write(toJson({ folder: flags.out, stages: summaries }));
    return;
  }
  for (const { objective, result } of stages) {
    const { metrics } = result;
    const last = metrics.at(-1);
    const named = stages.length === 1 ? '' : `${objective}: `;
    const losses = `loss ${formatNumber(metrics[0]?.loss ?? null)} → ${formatNumber(last?.loss ?? null)}`;
    const learnt =
      last !== undefined && 'rewards/margins' in last && 'rewards/accuracies' in last
        ? `, reward margin ${formatNumber(Number(last['rewards/margins']))}, accuracy ${formatNumber(Number(last['rewards/accuracies']))}`
        : '';
    context.stdout.write(`${printable(flags.out)}: ${named}${metrics.length} steps, ${losses}${learnt}\n`);
  }
};

export const addTrainCommand = (program: Command, context: CommandContext): void => {
  program
    .command('train')
    .summary('train the policy of an experiment and keep it')
    .description(
      'Trains the policy of an experiment and writes a model folder, metrics.jsonl and manifest.json. Interrupted or killed, the same command goes on from its last checkpoint and ends with the same numbers. Where that pays, each step is computed on as many threads as there are cores; OPENBLAS_NUM_THREADS=1 keeps the engine blas to one.',
    )
    .argument('<file>', 'experiment specification (YAML)')
    .requiredOption('--out <folder>', 'model folder to write')
    .addOption(
      new Option(
        '--objective <name>',
        'of the last stage: preferences, chosen answers, or plain text (default: the experiment’s)',
      ).choices(['dpo', 'sft', 'lm']),
    )
    .addOption(
      new Option(
        '--checkpoint-every <n>',
        'steps from one checkpoint to the next, 0 for none (default: a twentieth of a stage)',
      ).argParser(wholeNumber(0)),
    )
    .addOption(
      new Option(
        '--cache <folder>',
        'where reference log-probabilities are kept, for other trainings of this model on this data (default: the model folder)',
      ),
    )
    .addOption(allowOutsideOption())
    .addOption(engineOption())
    .addOption(seedOption('order of the data (default: the experiment’s first seed)'))
    .addOption(jsonOption('the folder, with the first and last step of each stage,'))
    .addHelpText(
      'after',
      examples(
        [
          'dsteer train specs/experiments/one-frame.yaml --out policy',
          'a policy for extract, or for other tools',
        ],
        [
          'dsteer train mine.yaml --objective sft --out sft',
          'the same experiment, on its chosen answers alone',
        ],
      ),
    )
    .action((file: string, flags: TrainFlags) => runTrain(file, flags, context));
};
