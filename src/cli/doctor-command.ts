import { freemem } from 'node:os';
import type { Command } from 'commander';
import { formatBytes, printable } from '../base/index.js';
import type { Style } from '../reports/index.js';
import type { CommandContext } from './command-context.js';
import { examples, jsonOption, wholeNumber } from './options.js';
import type { EngineSurvey, MachineSurvey } from './survey-machine.js';
import type { ModelFolderSurvey, TokenizerSurvey } from './survey-model-folder.js';

interface DoctorFlags {
  readonly model?: string;
  readonly length?: number;
  readonly batchSize?: number;
  readonly json?: true;
}

const engineLines = (
  { status, sgemmGflops }: EngineSurvey,
  automatic: string | null,
  style: Style,
): string[] => {
  const name = status.name.padEnd(14);
  if (!status.available) {
    const hint = status.hint === '' ? [] : [style.dim(`                   → ${status.hint}`)];
    return [`  ${style.red('✗')} ${name} ${status.reason}`, ...hint];
  }
  const speed = sgemmGflops === null ? '' : `, ${sgemmGflops.toFixed(1)} GFLOP/s`;
  const chosen = status.name === automatic ? style.bold(' ← auto') : '';
  return [`  ${style.green('✓')} ${name} ${status.details}${speed}${chosen}`];
};

const blasLines = ({ blas }: MachineSurvey): string[] => {
  if ('unavailable' in blas) return [`  none: ${blas.unavailable}`];
  return [
    `  library        ${blas.name}`,
    `  path           ${blas.path}`,
    `  threads        ${blas.threads === 0 ? 'it does not tell' : blas.threads}`,
    `  LAPACK         ${blas.lapack ?? 'none: portable algorithms are used'}`,
  ];
};

const renderSurvey = (survey: MachineSurvey, style: Style): string =>
  [
    style.bold(`dsteer ${survey.dsteer}`),
    '',
    `${style.bold('Engines')}, fastest kind first; speed of a 512 × 512 float32 product`,
    ...survey.engines.flatMap((engine) => engineLines(engine, survey.automatic, style)),
    '',
    style.bold('BLAS'),
    ...blasLines(survey),
    '',
    style.bold('Machine'),
    `  Node           ${survey.node}`,
    `  system         ${survey.platform}`,
    `  processor      ${survey.cpu}, ${survey.cores} core${survey.cores === 1 ? '' : 's'} for this process`,
    `  memory         ${formatBytes(survey.memoryBytes)}, ${formatBytes(survey.freeMemoryBytes)} free`,
    `  GPU            ${survey.gpus.length > 0 ? survey.gpus.join('; ') : 'none that nvidia-smi shows'}`,
    '',
  ].join('\n');

const tokenizerLine = (tokenizer: TokenizerSurvey | null): string => {
  if (tokenizer === null) return 'none';
  const { vocabularySize, bosId, eosId, padId, hasChatTemplate } = tokenizer;
  const specials = Object.entries({ BOS: bosId, EOS: eosId, padding: padId }).flatMap(([name, id]) =>
    id === null ? [] : [`${name} ${id}`],
  );
  return [`${vocabularySize} ids`, ...specials, hasChatTemplate ? 'chat template' : 'no chat template'].join(
    ', ',
  );
};

/** `printable` makes what comes from the folder safe for a terminal. */
const renderModel = (
  { workload, memory: needs, ...model }: ModelFolderSurvey,
  style: Style,
  printable: (text: string) => string,
): string => {
  const { length, batchSize, pairs } = workload;
  const layers =
    model.encoderLayers === undefined
      ? `${model.layers}`
      : `${model.layers} in the decoder, ${model.encoderLayers} in the encoder`;
  const stored = Object.entries(model.stored).map(
    ([dtype, count]) => `${count.toLocaleString('en')} ${dtype}`,
  );
  return [
    style.bold(printable(model.folder)),
    `  architecture   ${model.architecture}${model.tied ? ', tied embeddings' : ''}`,
    `  layers         ${layers}`,
    `  width          ${model.hiddenSize}, ${model.heads} heads`,
    `  vocabulary     ${model.vocabularySize}`,
    `  positions      ${model.maxPositions ?? 'no limit'}`,
    `  parameters     ${model.parameters.toLocaleString('en')}`,
    `  stored as      ${stored.join(', ')}${model.shards > 1 ? `, in ${model.shards} files` : ''}`,
    `  tokenizer      ${tokenizerLine(model.tokenizer)}`,
    '',
    `${style.bold('Memory')}, estimated, with ${formatBytes(freemem())} free on this machine`,
    `  the model      ${formatBytes(needs.modelBytes)} (float32)`,
    `  extract        ${formatBytes(needs.extractBytes)}: ${batchSize} × ${length} tokens a pass`,
    `  DPO, frozen    ${formatBytes(needs.dpoFrozenBytes)}: ${pairs} pairs of ${length} tokens a step, embeddings kept fixed`,
    `  DPO, unfrozen  ${formatBytes(needs.dpoUnfrozenBytes)}: every parameter trained`,
    ...(model.warnings.length > 0 ? ['', ...model.warnings.map((text) => `${style.red('!')} ${text}`)] : []),
    '',
  ].join('\n');
};

const runDoctor = async (flags: DoctorFlags, context: CommandContext): Promise<void> => {
  const reports = await import('../reports/index.js');
  const { stdout, environment } = context;
  const style = reports.styleFor(reports.wantsColor(stdout, environment));
  if (flags.model !== undefined) {
    const { surveyModelFolder } = await import('./survey-model-folder.js');
    const { length, batchSize } = flags;
    const model = await surveyModelFolder(flags.model, { length, batchSize });
    stdout.write(flags.json ? reports.toJson(model) : renderModel(model, style, printable));
    return;
  }
  const { surveyMachine } = await import('./survey-machine.js');
  const survey = await surveyMachine();
  stdout.write(flags.json ? reports.toJson(survey) : renderSurvey(survey, style));
  if (survey.automatic === null) context.exitCode = 4;
};

export const addDoctorCommand = (program: Command, context: CommandContext): void => {
  program
    .command('doctor')
    .summary('what of this machine, or of a model folder, dsteer can use')
    .description(
      'Tries every engine and says which run here, how fast, and why not the others; finds BLAS, cores, memory and GPU. Ends with exit code 4 where no engine runs. With --model it looks at a model folder instead: whether every tensor is there and fits the configuration, what it holds, and about how much memory extraction and DPO take.',
    )
    .option('--model <folder>', 'Hugging Face model folder to look at, without reading its weights')
    .option('--length <n>', 'tokens a sequence, for the memory (default: 256)', wholeNumber(1))
    .option('--batch-size <n>', 'sequences a pass of extract (default: 32)', wholeNumber(1))
    .addOption(jsonOption('the survey'))
    .addHelpText(
      'after',
      examples(
        ['dsteer doctor', 'before the first run, and with every bug report'],
        ['dsteer doctor --model ./pythia-160m', 'can this checkpoint be read, and does it fit?'],
      ),
    )
    .action((flags: DoctorFlags) => runDoctor(flags, context));
};
