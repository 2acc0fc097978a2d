import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { readReport, reportJson, toJson, writeReports } from '../../src/reports/index.js';
import { exampleClaim, exampleManifest, exampleReport, exampleTable, reportOf } from './example-report.js';

const manifest = exampleManifest({ inputs: [{ file: 'specs/claims/x.yaml', sha256: 'ab' }] });

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-reports-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('report.json', () => {
  it('comes back from disk as it was written, numbers in full precision', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async (value) => {
        const estimate = value === 0 ? 0 : value;
        const report = reportOf(exampleClaim({ estimate, interval: [estimate, estimate] }));
        await writeFile(join(folder, 'report.json'), reportJson(report));
        expect(await readReport(folder)).toEqual(report);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps the order of the model and has no NaN in it', () => {
    const keys = Object.keys(JSON.parse(reportJson(exampleReport)));
    expect(keys).toEqual(['schema', 'run', 'claims', 'tables', 'totals']);
    expect(reportJson(exampleReport)).toContain('"medianOfFlips": null');
    expect(toJson({ value: Number.POSITIVE_INFINITY })).toBe('{\n  "value": null\n}\n');
  });

  it('is read with a missing number as NaN', async () => {
    await writeFile(join(folder, 'report.json'), reportJson(exampleReport));
    expect(await readReport(join(folder, 'report.json'))).toEqual(exampleReport);
  });

  it('keeps comparison tables, cells that failed among them', async () => {
    const [baseline, other] = exampleTable().rows;
    const failed = {
      ...other?.cells[0],
      estimate: null,
      interval: null,
      difference: null,
      error: 'no flips',
    };
    const rows = [baseline, { ...other, cells: [failed, other?.cells[1]] }];
    const report = { ...exampleReport, tables: [{ ...exampleTable(), rows }] };
    await writeFile(join(folder, 'report.json'), toJson(report));
    expect(await readReport(folder)).toEqual(report);
    await writeFile(join(folder, 'report.json'), toJson(report).replace('"paired": true', '"paired": 1'));
    await expect(readReport(folder)).rejects.toThrow('tables.0.rows.0.cells.0.paired');
  });

  it('is read from before there were comparisons and corrections', async () => {
    const added = ['tables', 'comparison', 'family', 'pValue', 'adjustedP', 'seedSd', 'role'];
    const old = JSON.parse(reportJson(exampleReport), (key, value) =>
      added.includes(key) ? undefined : value,
    );
    expect(old.claims[1].controls[0]).not.toHaveProperty('role');
    await writeFile(join(folder, 'report.json'), JSON.stringify(old));
    const { tables, claims } = await readReport(folder);
    expect(tables).toEqual([]);
    expect(claims[1]).toMatchObject({ comparison: null, family: 'none', adjustedP: null, seedSd: null });
    expect(claims[1]?.controls[0]).toMatchObject({ id: 'placebo-noise', role: 'control', seedSd: null });
  });

  it.each([
    ['no file', undefined, 'no readable report'],
    ['text', 'hello', 'not JSON'],
    ['another schema', '{"schema": 2}', 'not a dsteer report of schema 1'],
    [
      'a wrong verdict',
      reportJson(exampleReport).replace('"verdict": "breaks"', '"verdict": "maybe"'),
      'verdict',
    ],
  ])('is refused with the fault named: %s', async (_case, text, message) => {
    if (text !== undefined) await writeFile(join(folder, 'report.json'), text);
    await expect(readReport(folder)).rejects.toThrow(InputError);
    await expect(readReport(folder)).rejects.toThrow(message);
  });
});

describe('writeReports', () => {
  it('writes every view, report.json last, and leaves no temporary file', async () => {
    const run = join(folder, 'deep', 'run');
    const paths = await writeReports(run, { report: exampleReport, manifest });
    expect((await readdir(run)).sort()).toEqual([
      'claims.sarif',
      'junit.xml',
      'manifest.json',
      'report.html',
      'report.json',
      'summary.md',
    ]);
    expect(paths.at(-1)).toBe(join(run, 'report.json'));
    expect(JSON.parse(await readFile(join(run, 'manifest.json'), 'utf8'))).toEqual(manifest);
    expect(await readReport(run)).toEqual(exampleReport);
  });

  it('writes a CSV file for each comparison table', async () => {
    const report = { ...exampleReport, tables: [exampleTable(), exampleTable({ id: 'second' })] };
    const paths = await writeReports(folder, { report, manifest });
    expect((await readdir(join(folder, 'tables'))).sort()).toEqual(['embeddings.csv', 'second.csv']);
    expect(paths).toContain(join(folder, 'tables', 'second.csv'));
  });
});
