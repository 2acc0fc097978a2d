import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../src/claims/index.js';
import { htmlReport } from '../../../src/reports/html/page.js';
import {
  applyBaseline,
  displayWidth,
  githubAnnotations,
  githubSummary,
  junitXml,
  readReport,
  renderConsole,
  sarifLog,
  summaryMarkdown,
  toJson,
  updateBaseline,
} from '../../../src/reports/index.js';
import { writeFileAtomic } from '../../../src/store/index.js';
import { exampleClaim, reportOf } from '../example-report.js';
import { parseStrictXml } from '../strict-xml.js';
import { someClaims } from './arbitrary-claims.js';

const gone = exampleClaim({ id: 'gone <b>', experiment: 'one-frame' });
const accepted = updateBaseline(reportOf(exampleClaim(), gone)).baseline;
const hold = (...claims: readonly ReturnType<typeof exampleClaim>[]): RunReport =>
  applyBaseline(reportOf(...claims), accepted, 'dsteer.baseline.json');
const left = hold(exampleClaim({ estimate: 0.9204, interval: [0.911, 0.93] }), gone);
const missing = hold(exampleClaim());
const within = hold(exampleClaim(), gone);

const why = 'HOLDS, but its estimate 0.920 left the accepted band [0.9004, 0.9177]';
const absent =
  'gone <b> (one-frame) is in the baseline dsteer.baseline.json and was not judged in this run: judge it, or take its entry out';

const pageOf = (report: RunReport): string => htmlReport(report, { evidence: [], tables: new Map() });
const flat = (text: string): string => text.replace(/\s+/g, ' ');

describe('a claim that left its band', () => {
  it('is a fail with its reason on the console', () => {
    const text = renderConsole(left, { width: 100 });
    expect(text).toMatch(/cosine-concentration .* FAIL\n/);
    expect(flat(text)).toContain(why);
    expect(text).toContain('1 pass · 1 fail · 0 inconclusive · 0 error ');
    expect(text).toContain(
      'Baseline dsteer.baseline.json: 1 within · 1 left · 0 with another verdict · 0 new · 0 missing',
    );
  });

  it('is a failure in junit.xml, an error on GitHub, an alert in SARIF', () => {
    const xml = parseStrictXml(junitXml(left));
    expect(junitXml(left)).toContain(`<failure message="${why}`);
    expect(xml.attributes).toMatchObject({ tests: '2', failures: '1' });
    const [line, ...others] = githubAnnotations(left);
    expect(others).toEqual([]);
    expect(line).toMatch(/^::error title=fail%3A cosine-concentration::/);
    expect(line).toContain('left the accepted band [0.9004, 0.9177]');
    expect(sarifLog(left).runs[0]?.results?.map(({ ruleId }) => ruleId)).toEqual(['cosine-concentration']);
  });

  it('is red in summary.md and report.html', () => {
    expect(summaryMarkdown(left)).toContain('❌ dsteer.baseline.json: 1 within · 1 left');
    expect(summaryMarkdown(left)).toMatch(/cosine-concentration.*❌ FAIL/);
    const page = pageOf(left);
    expect(page).toContain('<p class="verdict-words tone-fail">1 within · 1 left');
    expect(page).toContain(why);
    expect(page).toContain('<a href="#baseline">Baseline</a>');
  });
});

describe('a claim of the baseline that was not judged', () => {
  it('stands in every view', () => {
    expect(renderConsole(missing)).toContain('1 pass · 0 fail · 0 inconclusive · 0 error · 1 missing');
    expect(flat(renderConsole(missing))).toContain(absent);
    const [line] = githubAnnotations(missing);
    expect(line).toMatch(
      /^::error file=dsteer\.baseline\.json,title=missing%3A gone <b>::gone <b> \(one-frame\)/,
    );
    expect(junitXml(missing)).toContain('<testsuites name="dsteer" tests="2" failures="1"');
    expect(junitXml(missing)).toContain('<testsuite name="baseline" tests="1" failures="1"');
    parseStrictXml(junitXml(missing));
    expect(sarifLog(missing).runs[0]?.results).toMatchObject([
      { ruleId: 'baseline-missing', ruleIndex: 1, message: { text: absent } },
    ]);
    expect(summaryMarkdown(missing)).toContain('- **missing** gone &lt;b&gt;');
    expect(githubSummary(missing, 1500)).toContain('- **missing** gone &lt;b&gt;');
    expect(pageOf(missing)).toContain('<li class="tone-fail"><b>1</b> missing</li>');
    expect(pageOf(missing)).toContain('gone &lt;b&gt; (one-frame) is in the baseline');
  });
});

describe('a run within its baseline', () => {
  it('is told from one that was held against none, and nothing of it is red', () => {
    expect(renderConsole(within)).toContain(': 2 within · 0 left');
    expect(summaryMarkdown(within)).toContain('✅ dsteer.baseline.json: 2 within');
    expect(junitXml(within)).not.toContain('<failure');
    expect(githubAnnotations(within)).toEqual([]);
    expect(sarifLog(within).runs[0]?.results).toEqual([]);
    const none = reportOf(exampleClaim(), gone);
    expect(renderConsole(none)).not.toContain('aseline');
    expect(pageOf(none)).not.toContain('id="baseline"');
    expect(junitXml(within)).toBe(junitXml(none));
  });
});

describe('the console', () => {
  it.each([60, 100])('never exceeds %i columns on the console', (width) => {
    for (const report of [left, missing]) {
      for (const line of renderConsole(report, { width }).split('\n')) {
        expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }
    }
  });
});

describe('report.json', () => {
  it('comes back from disk with its baseline', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dsteer-held-'));
    try {
      const file = join(folder, 'report.json');
      await fc.assert(
        fc.asyncProperty(someClaims, someClaims, async (claims, others) => {
          const { baseline } = updateBaseline(reportOf(...others));
          const held = applyBaseline(reportOf(...claims), baseline, 'b.json');
          await writeFileAtomic(file, toJson(held));
          expect(await readReport(file)).toEqual(JSON.parse(toJson(held)));
        }),
        { numRuns: 30 },
      );
      await writeFileAtomic(file, toJson(left).replace('"state": "left"', '"state": "gone"'));
      await expect(readReport(file)).rejects.toThrow('claims.0.baseline');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
