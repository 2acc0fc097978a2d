import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { examples, jsonOption } from './options.js';

const shells = ['bash', 'zsh', 'fish'] as const;

type Shell = (typeof shells)[number];

const runCompletion = async (
  shell: Shell,
  { json }: { readonly json?: true },
  program: Command,
  context: CommandContext,
): Promise<void> => {
  const { loadCatalogue } = await import('../claims/index.js');
  const { ENGINE_NAMES } = await import('../engine/index.js');
  const { toJson } = await import('../reports/index.js');
  const { completionTree } = await import('./completion/command-tree.js');
  const { claims, suites } = await loadCatalogue();
  const tables = [...suites].filter(([, { value }]) => value.tables !== undefined).map(([name]) => name);
  const tree = completionTree(program, {
    engines: ENGINE_NAMES,
    claims: [...claims.keys()],
    suites: [...suites.keys()],
    tables,
  });
  const scripts: Readonly<Record<Shell, () => Promise<string>>> = {
    bash: async () => (await import('./completion/bash-script.js')).bashScript(tree),
    zsh: async () => (await import('./completion/zsh-script.js')).zshScript(tree),
    fish: async () => (await import('./completion/fish-script.js')).fishScript(tree),
  };
  const script = await scripts[shell]();
  context.stdout.write(json ? toJson({ shell, script }) : script);
};

export const addCompletionCommand = (program: Command, context: CommandContext): void => {
  program
    .command('completion')
    .summary('print a script by which your shell completes dsteer')
    .description(
      'Prints a script that completes commands, options, their values, shipped claims and suites, and files. It holds the names of this version: print it again after an update. It completes the command `dsteer`, as a global installation or an alias gives it.',
    )
    .addArgument(program.createArgument('<shell>', 'which').choices(shells))
    .addOption(jsonOption('shell and script'))
    .addHelpText(
      'after',
      examples(
        ['dsteer completion bash >> ~/.bashrc', 'in every bash to come'],
        ['source <(dsteer completion bash)', 'in this one alone; zsh takes the same line with its name'],
        ['dsteer completion zsh > "$fpath[1]/_dsteer"', 'in every zsh to come, where that folder is yours'],
        ['dsteer completion fish > ~/.config/fish/completions/dsteer.fish', 'in every fish to come'],
      ),
    )
    .action((shell: Shell, flags: { readonly json?: true }) => runCompletion(shell, flags, program, context));
};
