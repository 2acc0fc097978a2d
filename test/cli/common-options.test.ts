import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { run } from './run.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-options-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const stream = { write: () => true };
const program = createProgram({
  stdout: stream,
  stderr: stream,
  environment: {},
  words: [],
  onResumable: () => undefined,
  isQuiet: false,
  exitCode: 0,
});

/** Commands that do something, by all their words. */
const leaves = (command: Command, words: readonly string[] = []): (readonly [string, Command])[] =>
  command.commands.length === 0
    ? [[words.join(' '), command]]
    : command.commands.flatMap((child) => leaves(child, [...words, child.name()]));

describe('every command', () => {
  it.each(
    leaves(program),
  )('%s has --json, --quiet, and help with an example that names it', (words, command) => {
    expect(command.options.map(({ long }) => long)).toEqual(expect.arrayContaining(['--json', '--quiet']));
    const shown: string[] = [];
    command.configureOutput({ writeOut: (text) => void shown.push(text) }).outputHelp();
    const help = shown.join('');
    expect(help).toMatch(/Examples:\n/);
    expect(help).toContain(`$ dsteer ${words}`);
  });
});

describe('--quiet', () => {
  const words = (out: string) => [
    'verify',
    'logit-difference',
    '--engine',
    'wasm',
    '--out',
    join(folder, out),
  ];

  it('takes progress and notes off stderr, and leaves stdout as it is', async () => {
    const loud = await run(words('loud'));
    const quiet = await run([...words('quiet'), '--quiet']);
    expect(loud.stderr).toContain('engine wasm');
    expect(quiet.stderr).toBe('');
    const table = (stdout: string): string => stdout.replace(/in [\d.]+ s|loud|quiet/g, '');
    expect(table(quiet.stdout)).toBe(table(loud.stdout));
  });

  it('leaves errors', async () => {
    const { code, stderr } = await run(['verify', 'logit-diference', '-q']);
    expect(code).toBe(2);
    expect(stderr).toContain('logit-difference');
  });
});
