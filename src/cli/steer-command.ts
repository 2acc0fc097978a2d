import { type Command, InvalidArgumentError } from 'commander';
import { printable, UsageError } from '../base/index.js';
import type { SteeredLayers } from '../steering/index.js';
import type { CommandContext } from './command-context.js';
import { openProgress } from './open-progress.js';
import {
  allowOutsideOption,
  cacheOption,
  engineOption,
  examples,
  jsonOption,
  seedOption,
  wholeNumber,
} from './options.js';
import type { SteeredBehaviour } from './steer-experiment.js';
import type { SteerModelResult } from './steer-model.js';

interface SteerFlags {
  readonly lambda?: readonly number[];
  readonly engine: string;
  readonly seed?: number;
  readonly json?: true;
  readonly model?: string;
  readonly vector?: string;
  readonly prompt?: readonly string[];
  readonly layers?: readonly SteeredLayers[];
  readonly ablate?: true;
  readonly normPreserving?: true;
  readonly chat?: true;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly maxNewTokens?: number;
  readonly export?: string;
  readonly allowOutside?: true;
  /** False after --no-cache. */
  readonly cache: boolean;
}

const SWEPT_LAMBDAS = [-1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.5, 2];
const SHOWN_LAMBDAS = [0, 1];

/** λ parted by commas, added to those of earlier options. */
const parseLambdas = (text: string, earlier: readonly number[] = []): number[] => [
  ...earlier,
  ...text.split(',').map((part) => {
    const value = part.trim() === '' ? Number.NaN : Number(part);
    if (!Number.isFinite(value)) throw new InvalidArgumentError('Numbers parted by commas are needed.');
    return value;
  }),
];

const parseLayers = (text: string): SteeredLayers[] =>
  text.split(',').flatMap((part): SteeredLayers[] => {
    const word = part.trim();
    if (word === 'final' || word === 'all' || word === 'last-five') return [word];
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(word) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (from === undefined || first < 1 || last < first || last > 10_000) {
      throw new InvalidArgumentError('Layers are final, all, last-five, 3 or 3-7, parted by commas.');
    }
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });

const number = (text: string): number => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('A number is needed.');
  return value;
};

const collect = (text: string, earlier: readonly string[] = []): string[] => [...earlier, text];

const runSweep = async (file: string, flags: SteerFlags, context: CommandContext): Promise<void> => {
  const { parseEngineName } = await import('../engine/index.js');
  const engine = parseEngineName(flags.engine);
  const { steerExperiment } = await import('./steer-experiment.js');
  const { cacheFolder, createArtefactStore } = await import('../store/index.js');
  const reports = await import('../reports/index.js');
  const { stdout, environment } = context;
  const progress = await openProgress(context);
  const cache = flags.cache ? cacheFolder(environment) : undefined;
  const result = await steerExperiment(file, {
    lambdas: flags.lambda ?? SWEPT_LAMBDAS,
    engine,
    progress,
    allowOutside: flags.allowOutside === true,
    ...(cache === undefined ? {} : { store: createArtefactStore(cache, progress) }),
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
  const head = `${printable(result.experiment)}, seed ${result.seed}, ${result.n} held-out prompts, each steered by the other fold's v*`;
  stdout.write(
    `${head}\nbase: ${told(result.base)}\npolicy: ${told(result.policy)}\n\n${lines.join('\n')}\n`,
  );
};

/** Temperature 0 is a common name for greedy decoding; other rules need something to draw from. */
const samplingOf = ({ temperature, topK, topP }: SteerFlags) => {
  const greedy = temperature === 0 && topK === undefined && topP === undefined;
  if (greedy || (temperature === undefined && topK === undefined && topP === undefined)) return undefined;
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topK === undefined ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
  };
};

const renderTexts = async (
  result: SteerModelResult,
  { stdout, environment }: CommandContext,
): Promise<string> => {
  const reports = await import('../reports/index.js');
  const style = reports.styleFor(reports.wantsColor(stdout, environment));
  const width = reports.widthOf(stdout, environment);
  const site = (at: SteerModelResult['sites'][number]): string =>
    at === 'postNorm' ? 'the final hidden state' : `layer ${at}`;
  const where = result.sites
    .map((at, i) => `${site(at)} (‖v‖ ${reports.formatNumber(result.norms[i] ?? null)})`)
    .join(', ');
  const how =
    result.sampling === null
      ? 'greedy'
      : Object.entries(result.sampling)
          .map(([name, value]) => `${name} ${value}`)
          .join(', ');
  const said = result.kind === 'add' ? 'λ·v added at' : 'λ of the component along v removed at';
  const lines = reports.wrapText(`${said} ${where}; ${how}`, width).map(style.dim);
  const names = result.texts.map(({ lambda }) => `λ = ${lambda}`);
  const margin = Math.max(...names.map(({ length }) => length)) + 4;
  let prompt: string | undefined;
  for (const [index, text] of result.texts.entries()) {
    if (index === 0 || text.prompt !== prompt) {
      prompt = text.prompt;
      lines.push('', ...reports.wrapText(printable(prompt), width).map(style.bold));
    }
    const shown = `${printable(text.text)}${text.ended ? ' ∎' : ''}`;
    const wrapped = reports.wrapText(shown, Math.max(20, width - margin));
    for (const [row, line] of wrapped.entries()) {
      lines.push(`  ${(row === 0 ? (names[index] ?? '') : '').padEnd(margin - 2)}${line}`.trimEnd());
    }
  }
  return `${lines.join('\n')}\n`;
};

const runModel = async (
  { model, vector }: { readonly model: string; readonly vector: string },
  flags: SteerFlags,
  context: CommandContext,
): Promise<void> => {
  const { parseEngineName } = await import('../engine/index.js');
  const engine = parseEngineName(flags.engine);
  const { exportVectors, steerModel } = await import('./steer-model.js');
  const reports = await import('../reports/index.js');
  if (flags.export !== undefined) {
    const written = await exportVectors(model, vector, flags.export);
    context.stderr.write(`${printable(flags.export)}: ${written}\n`);
    if (flags.prompt === undefined) return;
  }
  const progress = await openProgress(context);
  const { layers, seed, maxNewTokens } = flags;
  const sampling = samplingOf(flags);
  const result = await steerModel({
    model,
    vector,
    lambdas: flags.lambda ?? SHOWN_LAMBDAS,
    prompts: flags.prompt ?? [],
    kind: flags.ablate ? 'ablate' : 'add',
    normPreserving: flags.normPreserving === true,
    chat: flags.chat === true,
    engine,
    progress,
    ...(layers === undefined ? {} : { layers }),
    ...(sampling === undefined ? {} : { sampling }),
    ...(seed === undefined ? {} : { seed }),
    ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
  }).finally(() => progress.clear());
  context.stdout.write(flags.json ? reports.toJson(result) : await renderTexts(result, context));
};

const runSteer = async (
  file: string | undefined,
  flags: SteerFlags,
  context: CommandContext,
): Promise<void> => {
  const { model, vector, prompt } = flags;
  const ofModels = Object.entries({
    model,
    vector,
    prompt,
    layers: flags.layers,
    ablate: flags.ablate,
    'norm-preserving': flags.normPreserving,
    chat: flags.chat,
    temperature: flags.temperature,
    'top-p': flags.topP,
    'top-k': flags.topK,
    'max-new-tokens': flags.maxNewTokens,
    export: flags.export,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
  if (file !== undefined) {
    if (ofModels.length === 0) return runSweep(file, flags, context);
    throw new UsageError(`${ofModels[0]} is for a model of your own, and an experiment is given too`, {
      hint: 'leave out the experiment, or that option',
    });
  }
  if (model === undefined || vector === undefined || (prompt === undefined && flags.export === undefined)) {
    throw new UsageError('steering needs an experiment, or --model, --vector and --prompt', {
      hint: 'see the examples of dsteer steer --help',
    });
  }
  return runModel({ model, vector }, flags, context);
};

export const addSteerCommand = (program: Command, context: CommandContext): void => {
  program
    .command('steer')
    .summary('sweep λ in an experiment, or read what a model writes under a vector')
    .description(
      'With an experiment: trains its policy, takes v* at the final hidden state, and tells how margin and accuracy of the preferred completions change with λ on held-out prompts. With --model and --vector: continues prompts under λ·v, side by side for several λ.',
    )
    .argument('[file]', 'experiment specification (YAML)')
    .option(
      '--lambda <list>',
      'multiples of v, parted by commas or given again (default: -1 to 2 in an experiment, 0 and 1 with a model)',
      parseLambdas,
    )
    .option('--model <folder>', 'Hugging Face model folder that is to write')
    .option(
      '--vector <file>',
      'safetensors with residual [L, d] or postNorm [d], such as steering-vectors.safetensors of a run; or a llama.cpp control vector (.gguf)',
    )
    .option('--prompt <text>', 'text to continue; may be given again', collect)
    .option(
      '--layers <list>',
      'where v acts: final, all, last-five, 3 or 3-7, parted by commas (default: final where the file has it, else all it has)',
      parseLayers,
    )
    .option('--ablate', 'remove λ of the component along v instead of adding λ·v')
    .option('--norm-preserving', 'scale every steered state back to the length it had')
    .option('--chat', 'take each prompt for a user’s message, through the model’s chat template')
    .option('--temperature <t>', 'draw tokens, from logits divided by t; 0: the likeliest (default)', number)
    .option('--top-p <p>', 'draw from the likeliest tokens that together have this probability', number)
    .option('--top-k <k>', 'draw from this many of the likeliest tokens', wholeNumber(1))
    .option('--max-new-tokens <n>', 'most tokens to write (default: 64)', wholeNumber(1))
    .option(
      '--export <file>',
      'write the vectors again: .gguf is a llama.cpp control vector, else safetensors',
    )
    .addOption(allowOutsideOption())
    .addOption(cacheOption())
    .addOption(engineOption())
    .addOption(
      seedOption(
        'order of the data (default: the experiment’s first seed); with a model, of the draws (default: 0)',
      ),
    )
    .addOption(jsonOption('the sweep, or the texts with their tokens,'))
    .addHelpText(
      'after',
      examples(
        [
          'dsteer steer specs/experiments/one-frame.yaml',
          'how much of DPO one vector installs and takes back',
        ],
        ['dsteer steer mine.yaml --lambda -1,0,1,4 --json', 'your own experiment, as numbers'],
        [
          'dsteer steer --model base --vector v.safetensors --lambda 0 --lambda 0.6 --prompt "The food was"',
          'what the model writes with and without the vector',
        ],
        [
          'dsteer steer --model base --vector v.safetensors --layers 3-5 --lambda 1 --prompt "Hi" --top-p 0.9 --seed 7',
          'at three layers, drawn instead of the likeliest tokens',
        ],
        [
          'dsteer steer --model base --vector v.safetensors --export v.gguf',
          'the vectors for llama.cpp: llama-cli --control-vector-scaled v.gguf:0.6',
        ],
      ),
    )
    .action((file: string | undefined, flags: SteerFlags) => runSteer(file, flags, context));
};
