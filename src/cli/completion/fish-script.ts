import type { CompletionCommand, CompletionOption, CompletionValues } from './command-tree.js';

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const valueWords = ({ words, paths }: CompletionValues): string[] => {
  const all = [...words, ...(paths === 'folders' ? ['(__fish_complete_directories)'] : [])].join(' ');
  return [...(all === '' ? [] : ['-a', quoted(all)]), ...(paths === 'files' ? ['-F'] : [])];
};

const optionWords = ({ long, short, description, values }: CompletionOption): string[] => [
  '-l',
  long.replace(/^--/, ''),
  ...(short === undefined ? [] : ['-s', short.replace(/^-/, '')]),
  // Required, and no file unless -F says so again.
  ...(values === undefined ? [] : [values.paths === 'files' ? '-r' : '-x', ...valueWords(values)]),
  '-d',
  quoted(description),
];

export const fishScript = (tree: readonly CompletionCommand[]): string => {
  const nested = tree.filter(({ path }) => path.includes(' ')).map(({ path }) => quoted(path));
  const lines = tree.flatMap(({ path, commands, options, arguments: given }) => {
    const complete = (...words: readonly string[]): string =>
      ['complete', '-c', 'dsteer', '-n', quoted(`__dsteer_at ${quoted(path)}`), ...words].join(' ');
    const values = valueWords(given);
    return [
      ...commands.map(({ name, description }) => complete('-a', quoted(name), '-d', quoted(description))),
      ...(values.length === 0 ? [] : [complete(...values)]),
      ...options.map((option) => complete(...optionWords(option))),
    ];
  });
  return `# Completion of dsteer in fish, written by \`dsteer completion fish\`.

# Whether the words before the cursor call this command.
function __dsteer_at
    set -l tokens (commandline -opc)
    set -l at "$tokens[2]"
    switch "$tokens[2] $tokens[3]"
        case ${nested.join(' ')}
            set at "$tokens[2] $tokens[3]"
    end
    test "$at" = "$argv[1]"
end

complete -c dsteer -e
complete -c dsteer -f
${lines.join('\n')}
`;
};
