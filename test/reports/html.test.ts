import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/claims/index.js';
import { escapeHtml, html, rawMarkup } from '../../src/reports/html/markup.js';
import { htmlReport } from '../../src/reports/html/page.js';
import { ensureHtml, renderHtml, reportJson, writeHtml } from '../../src/reports/index.js';
import { exampleChartData, writeExampleEvidence } from './example-evidence.js';
import {
  exampleClaim,
  exampleControl,
  exampleReport,
  exampleTable,
  reportOf,
  wideTable,
} from './example-report.js';

const bare = { evidence: [], tables: new Map() };
const pageOf = (report: RunReport): string => htmlReport(report, bare);

/** Characters that nobody sees, and what stands for them. */
const INVISIBLE = new Map([
  ['\u0000', '\\u0000'],
  ['\u001b', '\\u001b'],
  ['\u202e', '\\u202e'],
  ['\ud800', '\\ud800'],
]);

const hostile = fc.string({
  unit: fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '&',
    '`',
    '\n',
    '\u0000',
    '\u001b',
    '\u202e',
    'a',
    '漢',
    '\ud800',
  ),
  maxLength: 20,
});

/** What a browser makes of escaped text. */
const asShown = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

describe('text in HTML', () => {
  it('keeps what can be shown, and carries no markup and no invisible control', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"'\p{Cs}\u202a-\u202e]/u);
        expect(escaped).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/);
        expect([...escaped].every((character) => character === '\n' || !/\p{Cc}/u.test(character))).toBe(
          true,
        );
        const visible = [...text].map((character) => INVISIBLE.get(character) ?? character).join('');
        expect(asShown(escaped)).toBe(visible);
      }),
    );
  });

  it('is escaped in a template unless it is markup already', () => {
    expect(html`<b>${'<i>'}${['&', rawMarkup('<u>')]}${undefined}${3}</b>`.text).toBe(
      '<b>&lt;i&gt;&amp;<u>3</b>',
    );
  });
});

describe('report.html', () => {
  it('has no element, attribute or entity that a text of the report made', () => {
    /** The page's tags, in order: what a hostile text must not change. */
    const tags = (page: string): string[] =>
      [...page.replace(/<style>.*?<\/style>/s, '').matchAll(/<[^>]*>/g)].map(([tag]) =>
        tag.replace(/"[^"]*"/g, '""'),
      );
    const reportWith = (text: string): RunReport => ({
      ...reportOf(
        exampleClaim({
          title: `t${text}`,
          statement: `s${text}`,
          reason: `r${text}`,
          source: `q${text}`,
          population: `p${text}`,
          metric: `m${text}`,
          error: `e${text}`,
          details: { [`d${text}`]: 1 },
          counterexample: { seed: 1, path: `c${text}`, value: `v${text}` },
          location: { file: `f${text}`, line: 3 },
          controls: [exampleControl({ id: `i${text}`, title: `k${text}`, error: `x${text}` })],
        }),
      ),
      tables: [exampleTable({ title: `T${text}` })],
    });
    const expected = tags(pageOf(reportWith('')));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(tags(pageOf(reportWith(text)))).toEqual(expected);
      }),
    );
  });

  it('allows nothing but its own style sheet, named by its hash, and images in the page', () => {
    const page = pageOf(exampleReport);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(policy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`,
    );
    expect(page.match(/<style/g)).toHaveLength(1);
    expect(page).not.toMatch(/<script|<link (?!rel="icon" href="data:)|\son[a-z]+=|@import|url\(/i);
    expect(page).not.toMatch(/<[^>]* style="/);
    expect(page).not.toMatch(/(?:src|href)="(?!#|data:)/);
  });

  it('has the verdicts first, and a section a claim that the table leads to', () => {
    const page = pageOf(exampleReport);
    expect(page.indexOf('id="verdicts"')).toBeLessThan(page.indexOf('<article'));
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const target of targets) expect(ids).toContain(target);
    for (const { statement, source, reason } of exampleReport.claims) {
      for (const text of [statement, source, reason]) expect(page).toContain(escapeHtml(text));
    }
    expect(page.match(/<article/g)).toHaveLength(exampleReport.claims.length);
  });

  it('tells a claim that is judged twice apart from itself', () => {
    const page = pageOf(reportOf(exampleClaim(), exampleClaim()));
    expect(page).toContain('id="claim-many-frames-cosine-concentration"');
    expect(page).toContain('id="claim-many-frames-cosine-concentration-2"');
  });

  it('names every label that ARIA points to', () => {
    const page = pageOf({ ...exampleReport, tables: [exampleTable()] });
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const named = [...page.matchAll(/aria-(?:labelledby|describedby)="([^"]+)"/g)].map(([, id]) => id);
    expect(named.length).toBeGreaterThan(0);
    for (const id of named) expect(ids).toContain(id);
  });
});

describe('a run’s page with its charts', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dsteer-html-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const drawn = (page: string): string[] =>
    [...page.matchAll(/<p class="chart-title" id="([^"]+)-title"/g)].map(([, id]) => id ?? '');

  it('has no chart whose data is missing', async () => {
    expect(drawn((await renderHtml(exampleReport, folder)).html)).toEqual([]);
    await writeExampleEvidence(folder);
    const job = 'many-frames-seed-100';
    expect(drawn((await renderHtml(exampleReport, folder)).html)).toEqual(
      ['cosines', 'margins', 'training-loss', 'training-margin', 'training-sft'].map((id) => `${job}-${id}`),
    );
    const { layers: _, samples: __, ...some } = exampleChartData();
    await writeExampleEvidence(folder, some);
    const page = (await renderHtml(exampleReport, folder)).html;
    expect(drawn(page)).toContain(`${job}-sweep`);
    expect(drawn(page)).not.toContain(`${job}-rank-one`);
    expect(page).not.toContain('class="samples"');
  });

  it('leaves the specs of its charts beside it, with all their data', async () => {
    await writeExampleEvidence(folder, exampleChartData());
    const paths = await writeHtml(folder, { ...exampleReport, tables: [exampleTable(), wideTable()] });
    expect(paths.at(-1)).toBe(join(folder, 'report.html'));
    const names = await readdir(join(folder, 'charts'));
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    expect(names.map((name) => name.replace('.vl.json', '')).sort()).toEqual(drawn(page).sort());
    expect(names).toContain('table-mixtures-map.vl.json');
    expect(names).not.toContain('table-embeddings-map.vl.json');
    for (const name of names) {
      const text = await readFile(join(folder, 'charts', name), 'utf8');
      expect(JSON.parse(text).$schema).toContain('vega-lite');
      expect(text).not.toContain('"url"');
    }
  });

  it('shows generations as text, what would be markup and what would turn the line around escaped', async () => {
    await writeExampleEvidence(folder, exampleChartData());
    const page = (await renderHtml(exampleReport, folder)).html;
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).toContain('I asked for \\u202ereversed\\u0000 text.');
    expect(page).toContain('<i>nothing</i>');
    expect(page).toMatch(/a film, a film<\/bdi> <span class="sub">degenerate/);
  });

  it('does not look for evidence outside the run’s folder', async () => {
    await writeExampleEvidence(folder, exampleChartData());
    const inside = join(folder, 'inside');
    const report = reportOf(exampleClaim({ experiment: '../many-frames' }));
    expect(drawn((await renderHtml(report, inside)).html)).toEqual([]);
  });

  it('names the file and the fault where chart data are damaged', async () => {
    await writeExampleEvidence(folder);
    const file = join(folder, 'many-frames', 'seed-100', 'charts.json');
    await writeFile(file, '{');
    await expect(renderHtml(exampleReport, folder)).rejects.toThrow('not JSON');
    await writeFile(
      file,
      JSON.stringify({ ...exampleChartData(), sweep: { points: [{ lambda: 'one' }], n: 1 } }),
    );
    await expect(renderHtml(exampleReport, folder)).rejects.toThrow('sweep.points.0.lambda');
  });

  it('is made where it is missing, and left where it is there', async () => {
    await writeFile(join(folder, 'report.json'), reportJson(exampleReport));
    const page = await ensureHtml(folder);
    expect(await readFile(page, 'utf8')).toContain('<!DOCTYPE html>');
    await writeFile(page, 'kept');
    expect(await ensureHtml(join(folder, 'report.json'))).toBe(page);
    expect(await readFile(page, 'utf8')).toBe('kept');
  });
});
