import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionTree } from '../../src/cli/completion/command-tree.js';
import { run } from './run.js';

const has = (shell: string): boolean => {
  try {
    execFileSync(shell, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

let folder = '';
const scripts = new Map<string, string>();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dsteer completion '));
  writeFileSync(join(folder, 'my claims.yaml'), '');
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await run(['completion', shell]);
    expect(code).toBe(0);
    writeFileSync(join(folder, shell), stdout);
    scripts.set(shell, stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for the last of these words, the cursor at its end. */
const inBash = (...words: string[]): string[] => {
  const program = `
    source "$1"; shift
    COMP_WORDS=(dsteer "$@"); COMP_CWORD=$#
    _dsteer 2>/dev/null
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['--norc', '-c', program, 'bash', join(folder, 'bash'), ...words], {
    cwd: folder,
    encoding: 'utf8',
  });
  return output.split('\n').filter((line) => line !== '');
};

describe.skipIf(!has('bash'))('dsteer completion bash', () => {
  it.each([
    [['ver'], ['verify']],
    [
      ['report', ''],
      ['open', 'diff', 'merge'],
    ],
    [['verify', '--suite', 'qu'], ['quick']],
    [
      ['verify', '--engine', ''],
      ['auto', 'blas', 'wasm', 'webgpu', 'tensorflow', 'tensorflow-gpu'],
    ],
    [['verify', '--eng'], ['--engine']],
    [['verify', 'logit-d'], ['logit-difference']],
    [['train', 'my'], ['my claims.yaml']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['verify', '--seed', ''], []],
  ])('offers after %j: %j', (words, expected) => {
    const offered = inBash(...words);
    if (expected.length === 0) expect(offered).toEqual([]);
    else expect(offered).toEqual(expect.arrayContaining(expected));
  });

  it('offers nothing that a command does not have', () => {
    expect(inBash('doctor', '--su')).toEqual([]);
    expect(inBash('ver')).toEqual(['verify']);
  });

  it('completes values that = is between', () => {
    expect(inBash('verify', '--suite', '=', 'qu')).toEqual(['quick']);
  });
});

describe('dsteer completion', () => {
  it('holds every command and option that the help shows', async () => {
    const help = await run(['--help']);
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) /gm)].flatMap(([, name]) => name ?? []);
    expect(commands.length).toBeGreaterThan(8);
    for (const script of scripts.values()) for (const name of commands) expect(script).toContain(name);
    const own = await run(['verify', '--help']);
    const options = [...own.stdout.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].flatMap(
      ([, name]) => name ?? [],
    );
    for (const script of scripts.values()) for (const name of options) expect(script).toContain(name);
  });

  it('is told as JSON, too', async () => {
    const { stdout } = await run(['completion', 'fish', '--json']);
    expect(JSON.parse(stdout)).toEqual({ shell: 'fish', script: scripts.get('fish') });
  });

  it('refuses another shell by name', async () => {
    const { code, stderr } = await run(['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/bash, zsh, fish/);
  });

  it.skipIf(!has('zsh'))('is a script that zsh reads', () => {
    execFileSync('zsh', ['-n', join(folder, 'zsh')]);
  });

  it.skipIf(!has('fish'))('completes in fish', () => {
    const offered = execFileSync(
      'fish',
      ['--no-config', '-c', `source "${join(folder, 'fish')}"; complete -C 'dsteer verify --suite qu'`],
      { encoding: 'utf8' },
    );
    expect(offered).toContain('quick');
  });
});

describe('what stands for a placeholder', () => {
  const names = { engines: ['blas'], claims: ['a-claim'], suites: ['a-suite'], tables: [] };
  const optionOf = (flags: string, choices?: readonly string[]) => {
    const command = new Command('some').helpOption(false);
    const option = command.createOption(flags, '');
    if (choices) option.choices(choices);
    return completionTree(command.addOption(option), names)[0]?.options[0]?.values;
  };
  const argumentOf = (text: string) =>
    completionTree(new Command('some').argument(text, ''), names)[0]?.arguments;

  it.each([
    ['--in <file>', { words: [], paths: 'files' }],
    ['--out <folder>', { words: [], paths: 'folders' }],
    ['--seed <n>', { words: [], paths: 'none' }],
    ['--suite <name>', { words: ['a-suite'], paths: 'none' }],
    ['--strict', undefined],
  ])('is told by it: %s', (flags, values) => {
    expect(optionOf(flags)).toEqual(values);
  });

  it('is told by choices, whatever it is called', () => {
    expect(optionOf('--thing <thing>', ['this', 'that'])).toEqual({ words: ['this', 'that'], paths: 'none' });
  });

  it.each([
    '--in <path>',
    '--in [FILE]',
    '--in <files...>',
    '--format <name>',
  ])('is an error where completion does not know it: %s', (flags) => {
    expect(() => optionOf(flags)).toThrow(`${flags}: completion does not know what stands for`);
  });

  it('is an error in an argument too, and below any command', () => {
    expect(argumentOf('[targets...]')).toEqual({ words: ['a-suite', 'a-claim'], paths: 'files' });
    expect(() => argumentOf('<path>')).toThrow('some <path>: completion does not know');
    const program = new Command('dsteer');
    program.command('inner').argument('<path>');
    expect(() => completionTree(program, names)).toThrow('inner <path>: completion does not know');
  });
});
