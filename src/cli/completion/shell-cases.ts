/** The tree as branches of a `case`, which bash and zsh share: what a place on the command line is called, and what fits. */
import type { CompletionCommand, CompletionValues } from './command-tree.js';

/** A word, with what it means; markers such as `@files` have no meaning of their own. */
export interface Candidate {
  readonly word: string;
  readonly description?: string;
}

export interface ShellCase {
  /** `verify|options`, `verify|arguments`, `data|commands`, `verify|--engine`. */
  readonly place: string;
  readonly candidates: readonly Candidate[];
}

/** `@files` and `@folders` stand for paths, `@nothing` for a value that only the user knows. */
const candidatesOf = ({ words, paths }: CompletionValues): Candidate[] => {
  const marked = paths === 'none' ? [] : [{ word: `@${paths}` }];
  const all = [...words.map((word) => ({ word })), ...marked];
  return all.length === 0 ? [{ word: '@nothing' }] : all;
};

/** No command lies deeper than two words, and no word but these calls one: shells need not parse options to find it. */
export const shellCases = (tree: readonly CompletionCommand[]): ShellCase[] =>
  tree
    .flatMap(({ path, commands, options, arguments: given }): ShellCase[] => [
      {
        place: `${path}|commands`,
        candidates: commands.map(({ name, description }) => ({ word: name, description })),
      },
      {
        place: `${path}|options`,
        candidates: options.map(({ long, description }) => ({ word: long, description })),
      },
      { place: `${path}|arguments`, candidates: candidatesOf(given) },
      ...options.flatMap(({ long, short, values }): ShellCase[] =>
        values === undefined
          ? []
          : [long, ...(short === undefined ? [] : [short])].map((name) => ({
              place: `${path}|${name}`,
              candidates: candidatesOf(values),
            })),
      ),
    ])
    .filter(({ candidates }) => candidates.length > 0);

/** A word that the shell takes as it stands; bash and zsh alike. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
