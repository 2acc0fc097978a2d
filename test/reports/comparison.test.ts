import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ComparisonCell, ComparisonTable, RunReport } from '../../src/claims/index.js';
import { comparisonCsv, displayWidth, renderComparison, renderConsole } from '../../src/reports/index.js';
import {
  exampleCell,
  exampleClaim,
  exampleReport,
  exampleRow,
  exampleTable,
  reportOf,
} from './example-report.js';

const escapeSequence = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
const withTable = (table: ComparisonTable): RunReport => ({ ...reportOf(), tables: [table] });

/** Lines of the blocks: headings, rows, and nothing below. */
const rowsOf = (text: string, label: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(label));

const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });
const ordered = fc.tuple(number, number).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const cell: fc.Arbitrary<ComparisonCell> = fc
  .record({
    estimate: fc.option(number),
    interval: fc.option(ordered),
    difference: fc.option(number),
    differenceInterval: fc.option(ordered),
    paired: fc.boolean(),
  })
  .map((fields) => exampleCell(fields));
const name = fc.string({
  unit: fc.constantFrom('a', '-', '漢', 'λ', 'e\u0301', '\u001b'),
  minLength: 1,
  maxLength: 60,
});
const table: fc.Arbitrary<ComparisonTable> = fc
  .integer({ min: 1, max: 5 })
  .chain((metrics) =>
    fc.record({
      title: name,
      metrics: fc.array(name, { minLength: metrics, maxLength: metrics }),
      rows: fc.array(
        fc.record({
          label: name,
          n: fc.nat(1e6),
          parameters: fc.option(fc.nat(2e9)),
          cells: fc.array(cell, { minLength: metrics, maxLength: metrics }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  )
  .map(({ title, metrics, rows }) =>
    exampleTable({
      title,
      metrics: metrics.map((id) => ({ id, title: id })),
      rows: rows.map((row, index) => exampleRow({ ...row, experiment: `experiment-${index}` })),
      baseline: 'experiment-0',
    }),
  );

describe('a comparison table on the console', () => {
  it('has a row a condition: n, estimate with interval, difference marked where clear of 0', () => {
    const text = renderConsole(withTable(exampleTable()), { width: 120 });
    expect(rowsOf(text, 'frozen')).toEqual([
      expect.stringMatching(
        /^frozen +768 {2}0\.899 \[0\.892, 0\.905\] +baseline +0\.899 \[0\.892, 0\.905\] +baseline$/,
      ),
    ]);
    expect(rowsOf(text, 'unfrozen')[0]).toMatch(
      /^unfrozen +768 {2}0\.812 \[0\.801, 0\.823\] {2}-0\.087 \[-0\.098, -0\.077\] \* +0\.812 \[0\.801, 0\.823\] {2}\+0\.002 \[-0\.004, 0\.008\]$/,
    );
    expect(text).toContain('differences to frozen; 95 % intervals; seeds 100, 101');
    expect(text).toContain('* the interval of the difference excludes 0');
    expect(text).toContain('flips-undone: share of changed preferences');
    expect(text).not.toMatch(/not paired|SIZE/);
  });

  it('splits metrics into blocks one below the other where they do not fit beside one another', () => {
    const text = renderConsole(withTable(exampleTable()), { width: 80 });
    expect(rowsOf(text, 'unfrozen')).toHaveLength(2);
    expect(text.match(/\bCONDITION\b/g)).toHaveLength(2);
    expect(text).toMatch(/^ +flips-undone$/m);
  });

  it('leaves intervals out only where a single metric is too wide, and marks differences still', () => {
    const wide = exampleCell({ interval: [-123456.5, 123456.5], differenceInterval: [-1234567, -123456] });
    const rows = [exampleRow({ label: 'a-rather-long-name', cells: [wide, wide] })];
    const text = renderConsole(withTable(exampleTable({ rows })), { width: 60 });
    expect(text).toMatch(/^a-rather-long-name +768 {2}0\.812 +-0\.087 \*$/m);
  });

  it('tells sizes where they differ, differences that are not paired, and why a cell is empty', () => {
    const failed = exampleCell({
      estimate: null,
      interval: null,
      difference: null,
      differenceInterval: null,
      error: 'no preference changed',
    });
    const rows = [
      exampleRow({ experiment: 'many-frames', label: 'small' }),
      exampleRow({ label: 'large', parameters: 3_400_000, cells: [exampleCell({ paired: false }), failed] }),
    ];
    const text = renderConsole(withTable(exampleTable({ rows })), { width: 120 });
    expect(text).toMatch(/^CONDITION +N +SIZE /m);
    expect(text).toMatch(/^large +768 {2}3\.40 M .* \*° +error +–$/m);
    expect(text).toContain('° not paired');
    expect(text).toContain('large, flips-undone: no preference changed');
  });

  it.each([140, 100, 80, 60])('never exceeds %i columns, in colour or without', (width) => {
    fc.assert(
      fc.property(table, fc.boolean(), (some, color) => {
        const text = renderConsole(withTable(some), { width, color }).replace(escapeSequence, '');
        for (const line of text.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
        expect(text).toBe(renderConsole(withTable(some), { width }));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps every metric of every condition, and its columns below their heading', () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 60, max: 160 }), (some, width) => {
        const lines = renderConsole(withTable(some), { width }).split('\n');
        const heads = lines.flatMap((line, at) => (/^COND|^CON…/.test(line) ? [at] : []));
        const shown = heads.map((at) => [...(lines[at] ?? '').matchAll(/ESTIMATE|ESTIM?A?T?…/g)].length);
        expect(shown.reduce((sum, count) => sum + count, 0)).toBe(some.metrics.length);
        for (const at of heads) {
          const head = lines[at] ?? '';
          const start = head.indexOf('ESTIM');
          for (let row = 1; row <= some.rows.length; row++) {
            const before = columnsBefore(lines[at + row] ?? '', start);
            expect(before.endsWith('  '), `${head}\n${lines[at + row]}`).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** What stands in the first `columns` columns of a line. */
const columnsBefore = (line: string, columns: number): string => {
  let taken = '';
  for (const character of line) {
    if (displayWidth(taken + character) > columns) break;
    taken += character;
  }
  return taken;
};

describe('dsteer compare on the console', () => {
  it('has the tables first, then each verdict in one line, then the totals', () => {
    const report = { ...exampleReport, tables: [exampleTable()] };
    const text = renderComparison(report, { width: 100 });
    const [table = -1, verdict = -1, totals = -1] = [
      'CONDITION',
      'FAIL          inversion-recovery (many-frames): 0.730 [0.652, 0.801] against ≥ 0.90, BREAKS, but',
      '2 pass · 2 fail',
    ].map((part) => text.indexOf(part));
    expect(table).toBeGreaterThan(0);
    expect(verdict).toBeGreaterThan(table);
    expect(totals).toBeGreaterThan(verdict);
    expect(text.split('\n').filter((line) => /^(PASS|FAIL|INCONCLUSIVE|ERROR) /.test(line))).toHaveLength(
      report.claims.length,
    );
    expect(text).not.toContain('EXPECTED');
  });

  it('never exceeds its width', () => {
    const long = exampleClaim({ id: 'a'.repeat(150) });
    for (const line of renderComparison(reportOf(long), { width: 60 }).split('\n')) {
      expect(displayWidth(line)).toBeLessThanOrEqual(60);
    }
  });
});

describe('a comparison table as CSV', () => {
  it('has a record a condition and metric, with each seed’s estimate and further numbers as JSON', () => {
    const [header, ...records] = comparisonCsv(exampleTable()).trimEnd().split('\r\n');
    expect(header).toBe(
      'table,experiment,label,baseline,metric,n,parameters,estimate,lower,upper,difference,difference_lower,difference_upper,paired,seeds,estimate_seed_100,estimate_seed_101,details,error',
    );
    expect(records).toHaveLength(4);
    expect(records[0]).toBe(
      'embeddings,many-frames,frozen,many-frames,cosine-to-steering-vector,768,760000,0.8994,0.8921,0.9052,,,,,100 101,0.81,0.8146,"{""participationRatio"":1.91}",',
    );
    expect(records[2]).toContain(',-0.0871,-0.0975,-0.0769,true,100 101,');
  });

  it('leaves the estimate of a seed empty in rows that have not run it', () => {
    const rows = [
      exampleRow({ seeds: [100], cells: [exampleCell({ seedEstimates: [0.5] })] }),
      exampleRow({ seeds: [101], cells: [exampleCell({ seedEstimates: [0.25] })] }),
    ];
    const csv = comparisonCsv(exampleTable({ rows })).split('\r\n');
    expect(csv[1]).toContain(',100,0.5,,"{');
    expect(csv[2]).toContain(',101,,0.25,"{');
  });
});
