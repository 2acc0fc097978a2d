import { type Command, Option } from 'commander';
import { printable } from '../base/index.js';
import type { PreferenceFormat, PreferenceInspection, TupleLengths } from '../data/index.js';
import type { CommandContext } from './command-context.js';
import { openProgress } from './open-progress.js';
import { examples, jsonOption, wholeNumber } from './options.js';

/** Listed here too, so that help needs not load the data folder; a test holds the two lists together. */
export const formatChoices = ['hh', 'oasst1-messages', 'oasst1-trees', 'pairs'] as const;
export const datasetChoices = ['hh', 'oasst1'] as const;

interface InspectFlags {
  readonly format?: PreferenceFormat;
  readonly language?: string;
  readonly humanOnly?: true;
  readonly model?: string;
  readonly maxLength?: number;
  readonly against?: string;
  readonly examples: boolean;
  readonly json?: true;
}

interface FetchFlags {
  readonly json?: true;
  readonly out?: string;
  readonly revision?: string;
  readonly hubUrl?: string;
}

type Reports = typeof import('../reports/index.js');

const EXAMPLE_WIDTH = 200;

/** A count and what it counts, or a remark on the count above it. */
type CountRow = readonly [name: string, count: number | undefined, note: string];

const countRows = ({ report, sources, prompts, shared, limit }: PreferenceInspection, drops: string[]) => {
  const { records, messages, pairs, kept, repeated } = report;
  const first = repeated === null ? '' : `, first on line ${repeated.firstLine}`;
  const rows: CountRow[] = [
    ['records', records, messages === null ? '' : `with ${messages} messages`],
    ['pairs', pairs, ''],
    ['kept', kept, ''],
    ['dropped', pairs - kept, ''],
    ...drops.map((text): CountRow => ['', undefined, text]),
    ['sources', sources, 'they come from'],
    ['prompts', prompts, 'that differ'],
    ['repeated', repeated?.count ?? 0, `word for word${first}`],
  ];
  if (shared !== null) rows.push(['shared', shared.pairs, `with a prompt that is in ${shared.file} too`]);
  if (limit !== null) {
    rows.push(['cut', limit.truncated, `prompts longer than ${limit.maxLength} tokens allow, from the left`]);
    rows.push([
      'too long',
      limit.tooLong,
      `answers that leave a prompt no room in ${limit.maxLength} tokens`,
    ]);
  }
  return rows;
};

const countLines = (rows: readonly CountRow[]): string[] => {
  const width = Math.max(...rows.map(([, count]) => String(count ?? '').length));
  return rows.map(([name, count, note]) =>
    `${name.padEnd(10)}${String(count ?? '').padStart(width)}  ${note}`.trimEnd(),
  );
};

const lengthLines = (
  unit: string,
  lengths: TupleLengths,
  { alignColumns, formatNumber }: Pick<Reports, 'alignColumns' | 'formatNumber'>,
): string[] =>
  alignColumns(
    [
      [unit.toUpperCase(), 'MEAN', 'MEDIAN', 'P95', 'MAX'],
      ...Object.entries(lengths).map(([side, { mean, median, p95, max }]) => [
        side,
        formatNumber(mean, 1),
        ...[median, p95, max].map(String),
      ]),
    ],
    [false, true, true, true, true],
  );

/** Texts of a file on a terminal: control characters visible, one line each, the end cut off. */
const exampleLines = ({ examples: shown }: PreferenceInspection, { cut }: Pick<Reports, 'cut'>): string[] =>
  shown.flatMap(({ id, prompt, chosen, rejected }) => [
    '',
    printable(id),
    ...Object.entries({ prompt, chosen, rejected }).map(
      ([side, text]) => `  ${side.padEnd(9)} ${cut(printable(text), EXAMPLE_WIDTH)}`,
    ),
  ]);

const runInspect = async (file: string, flags: InspectFlags, context: CommandContext): Promise<void> => {
  const { describeDrops, inspectPreferences, loadTokenizer } = await import('../data/index.js');
  const { UsageError } = await import('../base/index.js');
  const reports = await import('../reports/index.js');
  const { format, language, humanOnly, model, maxLength, against } = flags;
  if (maxLength !== undefined && model === undefined) {
    throw new UsageError('--max-length counts tokens, so it needs a tokenizer', { hint: 'add --model DIR' });
  }
  const inspection = await inspectPreferences(file, {
    ...(format === undefined ? {} : { format }),
    ...(language === undefined ? {} : { language }),
    ...(humanOnly === undefined ? {} : { humanOnly }),
    ...(model === undefined ? {} : { tokenizer: await loadTokenizer(model) }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(against === undefined ? {} : { against }),
    ...(flags.examples ? {} : { examples: 0 }),
  });
  const { stdout, environment } = context;
  if (flags.json) {
    stdout.write(reports.toJson(inspection));
    return;
  }
  const style = reports.styleFor(reports.wantsColor(stdout, environment));
  const { characters, tokens, report } = inspection;
  const lines = [
    style.bold(printable(`${file}: ${report.format}`)),
    '',
    ...countLines(countRows(inspection, describeDrops(report))).map(printable),
    ...(characters === null ? [] : ['', ...lengthLines('characters', characters, reports)]),
    ...(tokens === null ? [] : ['', ...lengthLines('tokens', tokens, reports)]),
    ...exampleLines(inspection, reports),
  ];
  stdout.write(`${lines.join('\n')}\n`);
};

const runFetch = async (
  name: (typeof datasetChoices)[number],
  { out = name, revision, hubUrl, json }: FetchFlags,
  context: CommandContext,
): Promise<void> => {
  const { fetchDataset, hubDatasets } = await import('../data/index.js');
  const reports = await import('../reports/index.js');
  const { stdout } = context;
  const dataset = hubDatasets[name];
  const progress = await openProgress(context);
  progress.note(`${dataset.repository}, licence ${dataset.licence}: ${dataset.notice}`);
  const files = await fetchDataset(dataset, {
    outFolder: out,
    progress,
    ...(revision === undefined ? {} : { revision }),
    ...(hubUrl === undefined ? {} : { hubUrl }),
  }).finally(() => progress.clear());
  if (json) {
    stdout.write(reports.toJson({ folder: out, files }));
    return;
  }
  const lines = files.map(
    ({ path, bytes, sha256, present }) =>
      `${path}  ${bytes} bytes  sha256 ${sha256}${present ? '  (was there)' : ''}`,
  );
  stdout.write(`${[printable(out), ...lines.map(printable)].join('\n')}\n`);
};

const addInspectCommand = (data: Command, context: CommandContext): void => {
  data
    .command('inspect')
    .summary('what a file of preferences holds, and what of it cannot be used')
    .description(
      'Reads a file of preferences as training would and says what it holds: pairs kept and dropped by reason, sources, lengths, repetitions, a few examples. Formats are Anthropic HH, OASST1 (message rows or trees), and prompt, chosen and rejected as texts or chat messages; files are JSON lines, gzipped or not, or parquet.',
    )
    .argument('<file>', 'preferences')
    .addOption(
      new Option('--format <name>', 'read as this (default: told by the first records)').choices(
        formatChoices,
      ),
    )
    .option('--language <code>', 'OASST1: keep pairs in this language, such as en')
    .option('--human-only', 'OASST1: leave out pairs with a message that a model wrote')
    .option('--model <folder>', 'model folder whose tokenizer counts tokens')
    .option('--max-length <n>', 'tokens for prompt and answer: count what would be cut', wholeNumber(2))
    .option('--against <file>', 'another file, such as the held-out side: count prompts in both')
    .option('--no-examples', 'print none of the texts')
    .addOption(jsonOption('everything'))
    .addHelpText(
      'after',
      examples(
        ['dsteer data inspect pairs.jsonl', 'counts, lengths and the first pairs'],
        [
          'dsteer data inspect trees.jsonl.gz --language en --human-only --no-examples',
          'the English part of OASST1, written by people',
        ],
        [
          'dsteer data inspect train.parquet --against test.parquet --model base --max-length 512',
          'how much is cut, and what is in both splits',
        ],
      ),
    )
    .action((file: string, flags: InspectFlags) => runInspect(file, flags, context));
};

const addFetchCommand = (data: Command, context: CommandContext): void => {
  data
    .command('fetch')
    .summary('download preference data from the Hugging Face hub')
    .description(
      'Downloads Anthropic HH (harmless-base and helpful-base) or OASST1 (trees) from the Hugging Face hub, at a pinned commit, each file checked by its SHA-256 before it takes its name. Nothing else of dsteer uses the network.',
    )
    .addArgument(data.createArgument('<dataset>', 'which').choices(datasetChoices))
    .option('--out <folder>', 'folder to write (default: the name of the data set)')
    .option('--revision <commit>', 'another commit, checked by the hashes that the hub has for it')
    .option('--hub-url <url>', 'another hub, such as a mirror (default: https://huggingface.co)')
    .addOption(jsonOption('the files with their hashes'))
    .addHelpText(
      'after',
      examples(
        ['dsteer data fetch oasst1 --out data/oasst1', 'ranked conversations, Apache-2.0'],
        ['dsteer data fetch hh', 'into the folder hh; contains offensive texts, to be judged'],
      ),
    )
    .action((name: (typeof datasetChoices)[number], flags: FetchFlags) => runFetch(name, flags, context));
};

export const addDataCommand = (program: Command, context: CommandContext): void => {
  const data = program
    .command('data')
    .summary('look at preference data, or download some')
    .description('Looks at files of preference data, or downloads some.')
    .addHelpText('after', examples(['dsteer data inspect pairs.jsonl', 'what the file holds']));
  addInspectCommand(data, context);
  addFetchCommand(data, context);
};
