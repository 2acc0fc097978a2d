import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimReport } from '../../src/claims/index.js';
import { openerFor } from '../../src/cli/open-with-system.js';
import {
  junitXml,
  reportJson,
  sarifJson,
  summaryMarkdown,
  toJson,
  writeReports,
} from '../../src/reports/index.js';
import { exampleClaim, exampleManifest, exampleReport, reportOf } from '../reports/example-report.js';
import { run } from './run.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-report-'));
});
afterEach(() => rm(folder, { recursive: true }));

const manifest = exampleManifest();

describe('dsteer report --format', () => {
  it('prints each view of a finished run', async () => {
    await writeFile(join(folder, 'report.json'), reportJson(exampleReport));
    const printed = async (format: string) => (await run(['report', folder, '--format', format])).stdout;
    expect(await printed('junit')).toBe(junitXml(exampleReport));
    expect(await printed('sarif')).toBe(sarifJson(exampleReport));
    expect(await printed('markdown')).toBe(summaryMarkdown(exampleReport));
    expect(await printed('json')).toBe(reportJson(exampleReport));
    expect(await printed('html')).toMatch(/^<!DOCTYPE html>[\s\S]*<\/html>\n$/);
    expect(await printed('console')).toBe((await run(['report', folder])).stdout);
  });

  it('names the formats that there are', async () => {
    const { code, stderr } = await run(['report', folder, '--format', 'pdf']);
    expect(code).toBe(2);
    expect(stderr).toContain('console, html, junit, sarif, markdown, json');
  });
});

describe('dsteer report merge', () => {
  const writeRun = async (name: string, ...claims: readonly ClaimReport[]): Promise<string> => {
    const own = join(folder, name);
    await writeReports(own, { report: reportOf(...claims), manifest });
    return own;
  };

  it('writes the merged run, and ends as verify would have', async () => {
    const passing = await writeRun('a', exampleClaim({ id: 'a' }));
    const unclear = await writeRun('b', exampleClaim({ id: 'b', interval: [0.89, 0.91] }));
    const out = join(folder, 'whole');
    const merged = await run(['report', 'merge', passing, unclear, '--out', out]);
    expect(merged.code).toBe(3);
    expect(merged.stdout).toContain('1 pass · 0 fail · 1 inconclusive · 0 error');
    expect(existsSync(join(out, 'report.html'))).toBe(true);
    const strict = await run([
      'report',
      'merge',
      passing,
      unclear,
      '--out',
      `${out}-2`,
      '--strict',
      '--json',
    ]);
    expect(strict.code).toBe(1);
    expect(strict.stdout).toBe(await readFile(join(out, 'report.json'), 'utf8'));
    expect((await run(['report', 'merge', passing, unclear, '--out', out])).code).toBe(2);
  });

  it('tells GitHub where it runs there, and keeps stdout for the report', async () => {
    const failing = await writeRun('a', exampleClaim({ interval: [0.1, 0.2], estimate: 0.15 }));
    const summary = join(folder, 'summary.md');
    const { code, stdout, stderr } = await run(
      ['report', 'merge', failing, '--out', join(folder, 'whole'), '--json'],
      { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^::error title=fail%3A cosine-concentration::/);
    expect(JSON.parse(stdout).totals.fail).toBe(1);
    expect(await readFile(summary, 'utf8')).toContain('❌ FAIL');
  });
});

describe('dsteer report diff', () => {
  it('tells what moved, for people and for programs', async () => {
    const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')];
    await writeFile(a, reportJson(reportOf(exampleClaim())));
    await writeFile(b, reportJson(reportOf(exampleClaim({ estimate: 0.99, interval: [0.98, 0.995] }))));
    const people = await run(['report', 'diff', a, b]);
    expect(people.code).toBe(0);
    expect(people.stdout).toContain('cosine-concentration (many-frames): estimate beyond the interval');
    const program = JSON.parse((await run(['report', 'diff', a, b, '--json'])).stdout);
    expect(program.changed[0].changes).toEqual(['estimate']);
    expect(toJson(program)).toBe((await run(['report', 'diff', a, b, '--json'])).stdout);
  });
});

describe('dsteer report open', () => {
  it('prints path and address, makes the page where it is missing, and opens nothing without a terminal', async () => {
    await writeFile(join(folder, 'report.json'), reportJson(exampleReport));
    const page = join(folder, 'report.html');
    expect(await run(['report', 'open', folder])).toEqual({
      code: 0,
      stdout: `${page}\n${pathToFileURL(page).href}\n`,
      stderr: '',
    });
    expect(await readFile(page, 'utf8')).toContain('<!DOCTYPE html>');
  });

  it('opens a path as one word, whatever it holds', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      expect(openerFor(platform, 'a b & "c".html').slice(1)).toEqual(['a b & "c".html']);
    }
  });
});
