import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ResourceError } from '../../src/base/index.js';
import {
  announceToGithub,
  githubAnnotations,
  githubSummary,
  summaryMarkdown,
} from '../../src/reports/index.js';
import { exampleClaim, exampleReport, reportOf } from './example-report.js';

interface Command {
  readonly kind: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

const decode = (text: string): string =>
  text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');

/** Reads a workflow command as GitHub's documentation has it: the properties end at the first `::`. */
const parseCommand = (line: string): Command => {
  const [, kind = '', properties = '', message = ''] = /^::([a-z]+) (.*?)::(.*)$/s.exec(line) ?? [];
  return {
    kind,
    properties: Object.fromEntries(
      properties.split(',').map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), decode(pair.slice(at + 1))];
      }),
    ),
    message: decode(message),
  };
};

const failing = (changes: Parameters<typeof exampleClaim>[0] = {}) =>
  exampleClaim({ verdict: 'breaks', outcome: 'fail', ...changes });

describe('GitHub annotations', () => {
  it('are errors for fails and errors, warnings for what is inconclusive, nothing for a pass', () => {
    const commands = githubAnnotations(exampleReport).map(parseCommand);
    expect(commands.map(({ kind, properties }) => `${kind} ${properties['title']}`)).toEqual([
      'error fail: gradient-law',
      'error fail: inversion-recovery',
      'error error: steering-installs',
      'warning inconclusive: rank-one-dominance',
    ]);
    expect(commands[1]?.message).toBe(
      'Subtracting v* restores the base. many-frames: 0.730 [0.652, 0.801] against ≥ 0.90 (n 126), BREAKS, but control random-directions was expected to break, expected to break',
    );
  });

  it('point at the specification, and come back from their line whatever they hold', () => {
    const text = fc.string({
      unit: fc.constantFrom('%', '\r', '\n', ':', ',', '=', 'a', '2', '5', '0', 'D'),
      maxLength: 20,
    });
    fc.assert(
      fc.property(text, text, fc.nat(1000), (title, file, line) => {
        const [own = '', ...others] = githubAnnotations(
          reportOf(failing({ title, location: { file, line } })),
        );
        expect(others).toEqual([]);
        expect(own).not.toMatch(/[\r\n]/);
        const { properties, message } = parseCommand(own);
        expect(properties).toEqual({ file, line: String(line), title: 'fail: cosine-concentration' });
        expect(message.startsWith(`${title}. many-frames: `)).toBe(true);
      }),
    );
  });

  it('are ten of a kind at most, the last of which names the others', () => {
    const claims = Array.from({ length: 14 }, (_, index) => failing({ id: `claim-${index}` }));
    const commands = githubAnnotations(reportOf(...claims)).map(parseCommand);
    expect(commands).toHaveLength(10);
    expect(commands.at(-1)).toMatchObject({
      properties: { title: '5 more' },
      message: 'claim-9, claim-10, claim-11, claim-12, claim-13',
    });
  });
});

describe('the job summary', () => {
  it('is summary.md, or the verdicts that are no pass, or nothing, as there is room', () => {
    expect(githubSummary(exampleReport)).toBe(summaryMarkdown(exampleReport));
    const short = githubSummary(exampleReport, 2000);
    expect(Buffer.byteLength(short)).toBeLessThan(2000);
    expect(short).toContain('2 pass · 2 fail · 1 inconclusive · 1 error');
    expect(short.match(/^- \*\*/gm)).toHaveLength(4);
    expect(githubSummary(exampleReport, 10)).toBe('');
  });
});

describe('telling GitHub', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dsteer-github-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const announce = async (environment: Record<string, string>): Promise<string> => {
    let said = '';
    const stream = {
      write: (text: string) => {
        said += text;
      },
    };
    await announceToGithub(exampleReport, { environment, stream });
    return said;
  };

  it('appends the summary to what the step has written, and writes the annotations', async () => {
    const file = join(folder, 'summary.md');
    await writeFile(file, 'before\n');
    const said = await announce({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: file });
    expect(said).toBe(`${githubAnnotations(exampleReport).join('\n')}\n`);
    expect(await readFile(file, 'utf8')).toBe(`before\n${summaryMarkdown(exampleReport)}`);
  });

  it('is silent anywhere else', async () => {
    const file = join(folder, 'summary.md');
    expect(await announce({ GITHUB_STEP_SUMMARY: file })).toBe('');
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    expect(await announce({ GITHUB_ACTIONS: 'true' })).not.toBe('');
  });

  it('says where the summary cannot be written', async () => {
    const file = join(folder, 'missing', 'summary.md');
    await expect(announce({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: file })).rejects.toThrow(
      ResourceError,
    );
  });
});
