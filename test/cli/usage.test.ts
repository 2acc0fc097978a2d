import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { dsteerVersion, InputError, ResourceError, SpecError } from '../../src/base/index.js';
import { reportError } from '../../src/cli/report-error.js';
import { run } from './run.js';

const commands = [
  'verify',
  'compare',
  'train',
  'extract',
  'analyze',
  'steer',
  'data',
  'bench',
  'report',
  'doctor',
  'completion',
];

describe('help and version', () => {
  it('prints the version of the package on stdout', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${dsteerVersion}\n`, stderr: '' });
  });

  it('lists every command', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  });

  it.each(commands)('shows an example of %s in its help', async (command) => {
    const { code, stdout, stderr } = await run([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`  $ dsteer ${command}`);
  });

  it('takes a command line of nothing for bad usage, and shows help on stderr', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: dsteer');
  });
});

describe('bad usage', () => {
  it.each([
    [['verfy'], "unknown command 'verfy'", 'Did you mean verify?'],
    [['verify', '--enginee', 'auto'], "unknown option '--enginee'", 'Did you mean --engine?'],
    [['verify', '--shard', '3/2'], 'A part of a whole is needed', ''],
    [['verify', '--shard', 'half'], 'A part of a whole is needed', ''],
    [['verify', '--seed', '-1'], 'whole number', ''],
    [['verify', '--seed', '1.5'], 'whole number', ''],
    [['verify', '--engine', 'abacus'], 'there is no engine "abacus"', 'one of auto'],
    [['verify', 'cosine-concentratio'], 'cosine-concentratio', 'did you mean cosine-concentration?'],
    [['analyze'], "missing required argument 'file'", ''],
    [['analyze', 'a', 'b'], 'too many arguments', ''],
    [['extract', '--model', 'm', '--prompts', 'p'], "required option '--out <file>'", ''],
    [
      ['extract', '--model', 'm', '--prompts', 'p', '--out', 'o', '--readout', 'all'],
      'prompt-last, response-last',
      '',
    ],
    [['steer', 'a.yaml', '--lambda', '1,,2'], 'parted by commas', ''],
    [['train', 'a.yaml'], "required option '--out <folder>'", ''],
  ])('%j ends with exit code 2, its fault and its cure on stderr', async (words, fault, cure) => {
    const { code, stdout, stderr } = await run(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(fault);
    expect(stderr).toContain(cure);
  });

  it.each([
    ['analyze', ['analyze', 'missing.safetensors']],
    ['report', ['report', 'missing']],
    ['train', ['train', 'missing.yaml', '--out', 'x']],
    ['verify', ['verify', 'missing.yaml']],
  ])('%s names the file that is not there', async (_name, words) => {
    const { code, stderr } = await run(words);
    expect(code).toBe(2);
    expect(stderr).toContain('missing');
    expect(stderr).not.toContain('unexpected');
  });
});

describe('errors', () => {
  const report = (
    error: unknown,
    environment: Record<string, string> = {},
  ): { code: number; said: string } => {
    let said = '';
    const stderr = {
      write: (text: string) => {
        said += text;
      },
    };
    return { code: reportError(error, { stderr, environment }), said };
  };

  it('quote foreign text so that no terminal obeys it', () => {
    const { said } = report(new InputError('no \u001b[2Jkey\r', { where: { file: 'a\u0007.yaml' } }));
    expect(said).toBe('error: a\\u0007.yaml: no \\u001b[2Jkey\\u000d\n');
  });

  it('end with the exit code of their kind, saying where and what to do', () => {
    const where = { file: 'a.yaml', line: 3, column: 5 };
    const { code, said } = report(new InputError('no such key', { where, hint: 'write `threshold`' }));
    expect(code).toBe(2);
    expect(said).toBe('error: a.yaml:3:5: no such key\n  → write `threshold`\n');
    expect(report(new ResourceError('no engine')).code).toBe(4);
    const faults = [
      { where, message: 'one' },
      { where, message: 'two' },
    ];
    expect(report(new SpecError(faults)).said).toContain('a.yaml:3:5: one\na.yaml:3:5: two');
  });

  it('that nobody expected end with 1 and say how to see the stack, which DSTEER_DEBUG shows', () => {
    const error = new TypeError('x is not a function');
    const short = report(error);
    expect(short.code).toBe(1);
    expect(short.said).toContain('unexpected TypeError: x is not a function');
    expect(short.said).toContain('DSTEER_DEBUG=1');
    expect(short.said).not.toContain('usage.test');
    expect(report(error, { DSTEER_DEBUG: '1' }).said).toContain('usage.test');
  });

  it('of commander are said once, by commander', () => {
    expect(report(new CommanderError(1, 'commander.unknownOption', 'unknown'))).toEqual({
      code: 2,
      said: '',
    });
    expect(report(new CommanderError(0, 'commander.version', '0.1.0'))).toEqual({ code: 0, said: '' });
  });
});
