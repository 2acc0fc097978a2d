import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../base/index.js';
import type { GivenEvidence } from '../claims/index.js';
import type { CommandContext } from './command-context.js';
import {
  allowOutsideOption,
  cacheOption,
  engineOption,
  examples,
  jsonOption,
  outcomeCodes,
  seedOption,
  shardOption,
} from './options.js';
import { runVerification, type VerificationFlags } from './run-verification.js';
import { addBaselineOptions } from './use-baseline.js';

interface VerifyFlags extends VerificationFlags {
  readonly suite?: string;
  readonly base?: string;
  readonly policy?: string;
  readonly sftBase?: string;
  readonly model?: string;
  readonly preferences?: string;
  readonly prompts?: string;
  readonly activations?: string;
  readonly json?: true;
}

/** @throws UsageError for flags that belong together and are not */
const givenOf = ({
  base,
  policy,
  sftBase,
  model,
  preferences,
  prompts,
  activations,
}: VerifyFlags): GivenEvidence | undefined => {
  const pair = { base, policy, 'sft-base': sftBase };
  const named = Object.entries({ ...pair, model, preferences, prompts, activations }).flatMap(
    ([flag, value]) => (value === undefined ? [] : [`--${flag}`]),
  );
  if (named.length === 0) return undefined;
  const hint =
    'dsteer verify --base DIR --policy DIR --preferences FILE compares two checkpoints (or --prompts FILE, without answers); --model DIR --preferences FILE trains one; --activations FILE judges hidden states';
  if (activations !== undefined) {
    if (named.length === 1) return { kind: 'activations', activations };
    throw new UsageError(`--activations are judged by themselves, without ${named.slice(0, -1).join(', ')}`, {
      hint,
    });
  }
  if (model !== undefined && Object.values(pair).some((value) => value !== undefined)) {
    throw new UsageError(
      '--model trains a policy of its own, and cannot stand beside --base, --policy or --sft-base',
      {
        hint,
      },
    );
  }
  if (preferences !== undefined && model !== undefined) return { kind: 'model', model, preferences };
  if (preferences !== undefined && prompts !== undefined) {
    throw new UsageError('--prompts stand in the place of --preferences, not beside them', { hint });
  }
  if (base !== undefined && policy !== undefined) {
    const checkpoints = { base, policy, ...(sftBase === undefined ? {} : { sftBase }) };
    if (preferences !== undefined) return { kind: 'checkpoints', ...checkpoints, preferences };
    if (prompts !== undefined) return { kind: 'prompts', ...checkpoints, prompts };
  }
  throw new UsageError(`${named.join(', ')} alone ${named.length === 1 ? 'names' : 'name'} no evidence`, {
    hint,
  });
};

const runVerify = async (targets: string[], flags: VerifyFlags, context: CommandContext): Promise<void> => {
  const reports = await import('../reports/index.js');
  const { projectFile } = await import('../claims/index.js');
  const { suite } = flags;
  const given = givenOf(flags);
  const isOpen = targets.length === 0 && suite === undefined && given === undefined;
  const found = isOpen && existsSync(projectFile) ? [projectFile] : targets;
  if (found !== targets && !context.isQuiet)
    context.stderr.write(`claims of ${projectFile}, which is in this folder\n`);
  await runVerification(
    { targets: found, ...(suite === undefined ? {} : { suite }), ...(given === undefined ? {} : { given }) },
    flags,
    context,
    (report, options) => (flags.json ? reports.reportJson(report) : reports.renderConsole(report, options)),
  );
};

export const addVerifyCommand = (program: Command, context: CommandContext): void => {
  const command = program
    .command('verify')
    .summary('make the evidence for claims, judge them, and report')
    .description(
      'Makes the evidence that claims need (DPO training, hidden states, controls), judges each claim by its interval against its threshold and against its controls, and writes the reports.',
    )
    .argument(
      '[targets...]',
      'claims, suites or YAML files; none means dsteer.yaml if it is here, else the suite quick',
    )
    .option(
      '--suite <name>',
      'a shipped suite, or one of your own (default: quick, unless targets are given or dsteer.yaml is here)',
    )
    .addOption(engineOption())
    .option('--base <folder>', 'judge two checkpoints of your own, without training: the model before DPO')
    .option('--policy <folder>', 'the model after it')
    .option('--sft-base <folder>', 'the model before SFT: the shift from it to --base is a control')
    .option('--model <folder>', 'run everything, DPO included, on a model of your own')
    .option('--preferences <file>', 'preferences of your own: HH, OASST1 or prompt/chosen/rejected')
    .option('--prompts <file>', 'instead of preferences for checkpoints: JSON lines of {"prompt"}')
    .option('--activations <file>', 'judge hidden states captured elsewhere: safetensors or activations.pt')
    .option('--out <folder>', 'where reports and evidence go (default: reports/<time>)')
    .addOption(seedOption('replaces the seeds of the experiments'))
    .addOption(shardOption())
    .addOption(allowOutsideOption())
    .addOption(cacheOption())
    .option('--strict', 'an inconclusive verdict ends with exit code 1, not 3');
  addBaselineOptions(command)
    .addOption(jsonOption('report.json'))
    .addHelpText(
      'after',
      `${examples(
        ['dsteer verify', 'the suite quick on the shipped model'],
        ['dsteer verify cosine-concentration --seed 101', 'one claim, trained with another seed'],
        ['dsteer verify full --shard 1/2 --out shards/1', 'half of a long suite, on one of two machines'],
        [
          'dsteer verify --base sft --policy dpo --preferences pairs.jsonl',
          'two checkpoints of your own, compared as they are',
        ],
        [
          'dsteer verify --model my-model --preferences pairs.jsonl',
          'everything on a model and data of your own',
        ],
        [
          'dsteer verify my-claims.yaml --out reports/mine --strict',
          'your own specification, as a gate in CI',
        ],
        [
          'dsteer verify --update-baseline',
          'accept what this run finds: dsteer.baseline.json, to be committed and reviewed',
        ],
        ['dsteer verify --baseline dsteer.baseline.json', 'fail where an estimate leaves its accepted band'],
      )}

A baseline holds a verdict, an estimate and a band a claim. The band is the interval of the run that it was taken
from, rounded outward; widen it by hand if it is to stand for other seeds. Entries that hold are left as they are.

${outcomeCodes}`,
    )
    .action((targets: string[], flags: VerifyFlags) => runVerify(targets, flags, context));
};
