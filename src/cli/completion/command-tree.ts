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

/** By the placeholder of an option or argument, which the help shows: `<file>`, `<folder>`, `<run>`. */
const pathsOf = (placeholder: string): CompletionValues['paths'] => {
  if (['file', 'targets', 'suites', 'run', 'runs', 'before', 'after'].includes(placeholder)) return 'files';
  return placeholder === 'folder' ? 'folders' : 'none';
};

const optionValues = (
  { long, flags, argChoices, defaultValue }: Option,
  { engines, suites }: KnownNames,
): CompletionValues | undefined => {
  const placeholder = /[<[]([^\]>]+)[\]>]/.exec(flags)?.[1];
  if (placeholder === undefined) return undefined;
  const words =
    long === '--engine' ? [String(defaultValue), ...engines] : long === '--suite' ? suites : argChoices;
  return { words: words ?? [], paths: pathsOf(placeholder) };
};

const argumentWords = (argument: Argument, { claims, suites, tables }: KnownNames): readonly string[] => {
  if (argument.name() === 'targets') return [...suites, ...claims];
  return argument.name() === 'suites' ? tables : (argument.argChoices ?? []);
};

const argumentValues = (given: readonly Argument[], names: KnownNames): CompletionValues => ({
  words: [...new Set(given.flatMap((argument) => argumentWords(argument, names)))],
  paths: given.map((argument) => pathsOf(argument.name())).find((paths) => paths !== 'none') ?? 'none',
});

/** A command and all below it. */
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
    arguments: argumentValues(command.registeredArguments, names),
  };
  return [own, ...command.commands.flatMap((inner) => completionTree(inner, names, [...path, inner.name()]))];
};
