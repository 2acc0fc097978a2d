import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { Readout } from '../activations/index.js';
import { printable } from '../base/index.js';
import type { CommandContext } from './command-context.js';
import { openProgress } from './open-progress.js';
import { engineOption, examples, jsonOption, wholeNumber } from './options.js';

interface ExtractFlags {
  readonly model: string;
  readonly prompts: string;
  readonly out: string;
  readonly readout: Readout;
  readonly logits?: true;
  readonly batchSize?: number;
  readonly engine: string;
  readonly json?: true;
}

const runExtract = async (flags: ExtractFlags, context: CommandContext): Promise<void> => {
  const { parseEngineName, startEngine } = await import('../engine/index.js');
  const engine = parseEngineName(flags.engine);
  const { extractToFile, readExtractInput } = await import('../activations/index.js');
  const { loadTokenizer } = await import('../data/index.js');
  const { loadModel } = await import('../model/index.js');
  const reports = await import('../reports/index.js');
  const tokenizer = existsSync(join(flags.model, 'tokenizer.json'))
    ? await loadTokenizer(flags.model)
    : undefined;
  const { readout } = flags;
  const items = await readExtractInput(flags.prompts, {
    readout,
    ...(tokenizer === undefined ? {} : { tokenizer }),
  });
  await startEngine(engine);
  const progress = await openProgress(context);
  const model = await loadModel(flags.model);
  try {
    await extractToFile(model, items, flags.out, {
      logits: flags.logits === true,
      progress,
      metadata: { readout },
      ...(flags.batchSize === undefined ? {} : { batchSize: flags.batchSize }),
    });
  } finally {
    progress.clear();
    model.dispose();
  }
  if (flags.json) {
    const { layers, hiddenSize } = model;
    const logits = flags.logits === true;
    context.stdout.write(
      reports.toJson({ file: flags.out, layers, n: items.length, hiddenSize, readout, logits }),
    );
    return;
  }
  const shape = `${model.layers} layers × ${items.length} × ${model.hiddenSize}`;
  context.stdout.write(
    `${printable(flags.out)}: ${shape} at ${readout}${flags.logits ? ', with logits' : ''}\n`,
  );
};

export const addExtractCommand = (program: Command, context: CommandContext): void => {
  program
    .command('extract')
    .summary('write a model’s hidden states on prompts to a file')
    .description(
      'Writes residual [L, n, d], postNorm [n, d] and, with --logits, logits [n, V] as float32 safetensors, read at one position a line. Lines are {"prompt"}, {"prompt", "response"} or {"ids"}; ids need no tokenizer and are read at their last one. For an encoder–decoder ids are what its encoder reads, with "decoderIds" beside them for its decoder, which is read.',
    )
    .requiredOption(
      '--model <folder>',
      'Hugging Face model folder: config.json, model.safetensors, tokenizer.json',
    )
    .requiredOption('--prompts <file>', 'JSON lines')
    .requiredOption('--out <file>', 'safetensors file to write')
    .addOption(
      new Option('--readout <position>', 'token that is read')
        .choices(['prompt-last', 'response-last'])
        .default('prompt-last'),
    )
    .option('--logits', 'write the logits too')
    .option('--batch-size <n>', 'sequences a forward pass; bounds memory (default: 32)', wholeNumber(1))
    .addOption(engineOption())
    .addOption(jsonOption('what was written'))
    .addHelpText(
      'after',
      examples([
        'dsteer extract --model policy --prompts prompts.jsonl --out policy.safetensors',
        'the state that is about to generate, for each prompt',
      ]),
    )
    .action((flags: ExtractFlags) => runExtract(flags, context));
};
