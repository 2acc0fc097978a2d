import type { Command } from 'commander';
import type { Style } from '../reports/index.js';
import type { CommandContext } from './command-context.js';
import { examples, jsonOption } from './options.js';
import type { EngineSurvey, MachineSurvey } from './survey-machine.js';

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

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
    `  memory         ${gibibytes(survey.memoryBytes)}, ${gibibytes(survey.freeMemoryBytes)} free`,
    `  GPU            ${survey.gpus.length > 0 ? survey.gpus.join('; ') : 'none that nvidia-smi shows'}`,
    '',
  ].join('\n');

const runDoctor = async ({ json }: { json?: true }, context: CommandContext): Promise<void> => {
  const { surveyMachine } = await import('./survey-machine.js');
  const reports = await import('../reports/index.js');
  const { stdout, environment } = context;
  const survey = await surveyMachine();
  const style = reports.styleFor(reports.wantsColor(stdout, environment));
  stdout.write(json ? reports.toJson(survey) : renderSurvey(survey, style));
  if (survey.automatic === null) context.exitCode = 4;
};

export const addDoctorCommand = (program: Command, context: CommandContext): void => {
  program
    .command('doctor')
    .summary('what of this machine dsteer can use, and why not the rest')
    .description(
      'Tries every engine and says which run here, how fast, and why not the others; finds BLAS, cores, memory and GPU. Ends with exit code 4 where no engine runs.',
    )
    .addOption(jsonOption('the survey'))
    .addHelpText('after', examples(['dsteer doctor', 'before the first run, and with every bug report']))
    .action((flags: { json?: true }) => runDoctor(flags, context));
};
