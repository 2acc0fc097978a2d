import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
