import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../base/index.js';
import type { CommandContext } from './command-context.js';
import { examples, jsonOption } from './options.js';

interface InitFlags {
  readonly model?: string;
  readonly preferences?: string;
  readonly force?: true;
  readonly json?: true;
}

/** The published schema, where the package is installed beside the specifications. */
const schemaBeside = (folder: string): string | undefined => {
  const installed = 'node_modules/dsteer/schemas/dsteer.schema.json';
  return existsSync(join(folder, installed)) ? `./${installed}` : undefined;
};

/** What the flags leave open, asked of a user at a terminal. */
const askForRest = async (flags: InitFlags, { ask }: CommandContext): Promise<InitFlags> => {
  if (ask === undefined || flags.model !== undefined || flags.preferences !== undefined || flags.json) {
    return flags;
  }
  const model = (await ask('Model folder (Hugging Face), or Enter for the shipped model: ')).trim();
  const preferences = (
    await ask('Preference file (jsonl, jsonl.gz, parquet), or Enter for the shipped ones: ')
  ).trim();
  return { ...flags, ...(model === '' ? {} : { model }), ...(preferences === '' ? {} : { preferences }) };
};

const runInit = async (folder: string, flags: InitFlags, context: CommandContext): Promise<void> => {
  const { initProject } = await import('../claims/index.js');
  const { toJson } = await import('../reports/index.js');
  const { force, json, ...named } = await askForRest(flags, context);
  const schema = schemaBeside(folder);
  const { files, next, notes } = await initProject({
    folder,
    ...named,
    force: force === true,
    ...(schema === undefined ? {} : { schema }),
  });
  if (json) {
    context.stdout.write(toJson({ files, next, notes }));
    return;
  }
  for (const file of files) context.stdout.write(`wrote ${printable(file)}\n`);
  for (const note of notes) context.stderr.write(`note: ${printable(note)}\n`);
  const there = resolve(folder) === resolve('.') ? '' : `cd ${printable(folder)} && `;
  context.stdout.write(`\nNext: ${there}${next}\n`);
};

export const addInitCommand = (program: Command, context: CommandContext): void => {
  program
    .command('init')
    .summary('write the first specifications of your own')
    .description(
      'Writes dsteer.yaml, a suite that `dsteer verify` runs in its folder, and for a model or preferences of your own experiment.yaml, which says how their evidence is made. At a terminal it asks for what no flag says.',
    )
    .argument('[folder]', 'where to', '.')
    .option('--model <folder>', 'a Hugging Face model folder (default: the shipped model)')
    .option('--preferences <file>', 'a preference file, or a shipped regime: one-frame, many-frames, cloze')
    .option('--force', 'replace files that are there')
    .addOption(jsonOption('what was written'))
    .addHelpText(
      'after',
      examples(
        ['dsteer init && dsteer verify', 'the claims on the shipped model, as a specification to change'],
        [
          'dsteer init --model my-model --preferences pairs.jsonl',
          'the headline claims on your model and data',
        ],
        [
          'dsteer init claims --preferences many-frames',
          'in a folder of its own, with an experiment to change',
        ],
      ),
    )
    .action((folder: string, flags: InitFlags) => runInit(folder, flags, context));
};
