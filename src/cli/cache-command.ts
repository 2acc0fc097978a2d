import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatBytes, printable, UsageError } from '../base/index.js';
import type { PruneOptions, StoredArtefact } from '../store/index.js';
import type { CommandContext } from './command-context.js';
import { openProgress } from './open-progress.js';
import { examples, jsonOption } from './options.js';

interface CacheFlags {
  readonly json?: true;
}

interface PruneFlags extends CacheFlags {
  readonly unusedFor?: number;
  readonly mostBytes?: number;
  readonly all?: true;
}

const DAY = 86_400_000;
const units: Readonly<Record<string, number>> = {
  B: 1,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

const readSize = (text: string): number => {
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?i?B)$/i.exec(text) ?? [];
  const size =
    Number(count) * (units[(unit ?? '').toUpperCase().replace(/^([KMGT])B$/, '$1IB')] ?? Number.NaN);
  if (!Number.isFinite(size)) throw new InvalidArgumentError('A size is needed, such as 500MiB or 2GiB.');
  return size;
};

const readDays = (text: string): number => {
  const [, days] = /^(\d+)d?$/.exec(text) ?? [];
  if (days === undefined) throw new InvalidArgumentError('A number of days is needed, such as 30d.');
  return Number(days);
};

const openStore = async (context: CommandContext) => {
  const { cacheFolder, createArtefactStore } = await import('../store/index.js');
  const folder = cacheFolder(context.environment);
  if (folder === undefined) {
    throw new UsageError('there is no cache: DSTEER_CACHE is off', {
      hint: 'unset it, or set it to the folder of a cache',
    });
  }
  return createArtefactStore(folder, await openProgress(context));
};

const toJsonEntry = ({ kind, key, title, bytes, made, lastUsed, fault }: StoredArtefact) => ({
  kind,
  key,
  title,
  bytes,
  made: made.toISOString(),
  lastUsed: lastUsed.toISOString(),
  fault: fault ?? null,
});

const bytesOf = (entries: readonly StoredArtefact[]): number =>
  entries.reduce((sum, { bytes }) => sum + bytes, 0);

/** Entries with their sum, as a table or as JSON. */
const show = async (
  entries: readonly StoredArtefact[],
  {
    folder,
    summary,
    flags,
  }: { readonly folder: string; readonly summary: string; readonly flags: CacheFlags },
  { stdout }: CommandContext,
): Promise<void> => {
  const { alignColumns, toJson } = await import('../reports/index.js');
  if (flags.json) {
    stdout.write(toJson({ folder, bytes: bytesOf(entries), entries: entries.map(toJsonEntry) }));
    return;
  }
  const rows = entries.map(({ key, title, bytes, lastUsed, fault }) => [
    key.slice(0, 12),
    printable(title),
    formatBytes(bytes),
    lastUsed.toISOString().slice(0, 16).replace('T', ' '),
    fault === undefined ? '' : `✗ ${printable(fault)}`,
  ]);
  if (rows.length > 0) {
    const lines = alignColumns([['KEY', 'WHAT', 'SIZE', 'LAST USED', ''], ...rows], [false, false, true]);
    stdout.write(`${lines.join('\n')}\n\n`);
  }
  stdout.write(`${summary}, ${formatBytes(bytesOf(entries))}, in ${printable(folder)}\n`);
};

const count = (entries: readonly unknown[], verb = ''): string =>
  `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}${verb}`;

const runList = async (flags: CacheFlags, context: CommandContext): Promise<void> => {
  const { folder, list } = await openStore(context);
  const entries = await list();
  await show(entries, { folder, summary: count(entries), flags }, context);
};

const runVerify = async (flags: CacheFlags, context: CommandContext): Promise<void> => {
  const { folder, verify } = await openStore(context);
  const entries = await verify();
  const damaged = entries.filter(({ fault }) => fault !== undefined);
  const summary =
    damaged.length === 0
      ? count(entries, ', all whole')
      : `${count(entries)}, ${damaged.length} damaged and set aside`;
  await show(entries, { folder, summary, flags }, context);
  if (damaged.length > 0) context.exitCode = 1;
};

const runPrune = async (
  { unusedFor, mostBytes, all, json }: PruneFlags,
  context: CommandContext,
): Promise<void> => {
  const asked = [unusedFor, mostBytes, all].filter((one) => one !== undefined).length;
  if (asked === 0 || (all && asked > 1)) {
    throw new UsageError('what is to be removed is not clear', {
      hint: 'say --unused-for 30d, --most-bytes 500MiB, both, or --all',
    });
  }
  const options: PruneOptions = all
    ? { mostBytes: 0 }
    : {
        ...(unusedFor === undefined ? {} : { unusedSince: new Date(Date.now() - unusedFor * DAY) }),
        ...(mostBytes === undefined ? {} : { mostBytes }),
      };
  const { folder, prune } = await openStore(context);
  const removed = await prune(options);
  await show(removed, { folder, summary: count(removed, ' removed'), flags: json ? { json } : {} }, context);
};

export const addCacheCommand = (program: Command, context: CommandContext): void => {
  const cache = program
    .command('cache')
    .summary('list, verify or prune the trained policies kept for later runs')
    .description(
      'Trained policies are kept under the hash of all that decides them (code, engine, machine, base model, data, configuration, seed), so that no run trains what another has trained. They lie in DSTEER_CACHE, or where the system keeps caches, take 2 GiB at most, and are compared with their checksums whenever they are read. DSTEER_CACHE=off keeps none.',
    );
  cache
    .command('list')
    .summary('what is kept, last used first')
    .description('Lists what is kept, last used first.')
    .addOption(jsonOption('the entries'))
    .addHelpText('after', examples(['dsteer cache list', 'what is kept, and how much room it takes']))
    .action((flags: CacheFlags) => runList(flags, context));
  cache
    .command('verify')
    .summary('compare everything with its checksum')
    .description(
      'Reads every file and compares it with its checksum. What is damaged is set aside, to be made anew when it is next needed; the exit code is then 1.',
    )
    .addOption(jsonOption('the entries, each with its fault'))
    .addHelpText('after', examples(['dsteer cache verify', 'after a crash, or on a disk you do not trust']))
    .action((flags: CacheFlags) => runVerify(flags, context));
  cache
    .command('prune')
    .summary('remove what is old or too much')
    .description('Removes entries, with what was set aside and what killed processes left.')
    .addOption(
      new Option('--unused-for <days>', 'remove what was not used for so long, such as 30d').argParser(
        readDays,
      ),
    )
    .addOption(
      new Option(
        '--most-bytes <size>',
        'remove what was not used for longest, until no more than this is left, such as 500MiB',
      ).argParser(readSize),
    )
    .option('--all', 'remove everything')
    .addOption(jsonOption('the entries removed'))
    .addHelpText(
      'after',
      examples(
        ['dsteer cache prune --unused-for 30d', 'what nobody asked for this month'],
        ['dsteer cache prune --most-bytes 500MiB', 'no more than that is left'],
      ),
    )
    .action((flags: PruneFlags) => runPrune(flags, context));
};
