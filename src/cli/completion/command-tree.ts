/** What may stand where on the command line, as shells complete it. */
import type { Argument, Command, Option } from 'commander';

/** Names that options and arguments take and commander does not know. */
export interface KnownNames {
  readonly engines: readonly string[];
  readonly claims: readonly string[];
  readonly suites: readonly string[];
  /** Suites with comparison tables. */
  readonly tables: readonly string[];
}

export interface CompletionValues {
  readonly words: readonly string[];
  /** Files include the folders on the way to them. */
  readonly paths: 'none' | 'files' | 'folders';
}

export interface CompletionOption {
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  /** Absent: it takes no value. */
  readonly values?: CompletionValues;
}

export interface CompletionCommand {
  /** The words that call it, parted by blanks; empty for the program. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletionOption[];
  /** Of all its arguments: no command takes different kinds. */
  readonly arguments: CompletionValues;
}

const DESCRIPTION_WIDTH = 72;

const shortly = (text: string): string =>
  text.length <= DESCRIPTION_WIDTH ? text : `${text.slice(0, DESCRIPTION_WIDTH - 1).trimEnd()}…`;

/** Placeholders of options and arguments, as the help shows them, and the paths that stand for them. */
const pathsByPlaceholder: Readonly<Record<Exclude<CompletionValues['paths'], 'none'>, readonly string[]>> = {
  files: ['file', 'targets', 'suites', 'run', 'runs', 'before', 'after'],
  folders: ['folder'],
};

/** Those for which anything may stand that no shell could guess. */
const freePlaceholders = [
  'code',
  'commit',
  'days',
  'i/n',
  'k',
  'list',
  'ms',
  'n',
  'p',
  'share',
  'size',
  't',
  'text',
  'url',
];

/**
 * @param words absent: none are known
 * @param owner the option or argument, for the error
 * @throws RangeError for a placeholder that neither words nor the lists above tell how to complete
 */
const valuesOf = (
  placeholder: string,
  words: readonly string[] | undefined,
  owner: string,
): CompletionValues => {
  const { files, folders } = pathsByPlaceholder;
  const paths = files.includes(placeholder) ? 'files' : folders.includes(placeholder) ? 'folders' : 'none';
  if (paths === 'none' && words === undefined && !freePlaceholders.includes(placeholder)) {
    throw new RangeError(
      `${owner}: completion does not know what stands for ${placeholder}; give it choices, or list it in command-tree.ts`,
    );
  }
  return { words: words ?? [], paths };
};

const optionValues = (
  { long, flags, argChoices, defaultValue }: Option,
  { engines, suites }: KnownNames,
): CompletionValues | undefined => {
  const placeholder = /[<[]([^\]>]+)[\]>]/.exec(flags)?.[1];
  if (placeholder === undefined) return undefined;
  const words =
    long === '--engine' ? [String(defaultValue), ...engines] : long === '--suite' ? suites : argChoices;
  return valuesOf(placeholder, words, flags);
};

const argumentWords = (
  argument: Argument,
  { claims, suites, tables }: KnownNames,
): readonly string[] | undefined => {
  if (argument.name() === 'targets') return [...suites, ...claims];
  return argument.name() === 'suites' ? tables : argument.argChoices;
};

const argumentValues = (command: Command, names: KnownNames): CompletionValues => {
  const each = command.registeredArguments.map((argument) =>
    valuesOf(argument.name(), argumentWords(argument, names), `${command.name()} <${argument.name()}>`),
  );
  return {
    words: [...new Set(each.flatMap(({ words }) => words))],
    paths: each.map(({ paths }) => paths).find((paths) => paths !== 'none') ?? 'none',
  };
};

/** A command and all below it. @throws RangeError where an option or argument has a placeholder that is not known here */
export const completionTree = (
  command: Command,
  names: KnownNames,
  path: readonly string[] = [],
): CompletionCommand[] => {
  const options = command.createHelp().visibleOptions(command);
  const own: CompletionCommand = {
    path: path.join(' '),
    commands: command.commands.map((inner) => ({
      name: inner.name(),
      description: shortly(inner.summary()),
    })),
    options: options.flatMap((option): CompletionOption[] => {
      const { long, short, description } = option;
      const values = optionValues(option, names);
      if (!long) return [];
      return [
        { long, short, description: shortly(description), ...(values === undefined ? {} : { values }) },
      ];
    }),
    arguments: argumentValues(command, names),
  };
  return [own, ...command.commands.flatMap((inner) => completionTree(inner, names, [...path, inner.name()]))];
};
