import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffReports, displayWidth, hasMoved, renderDiff } from '../../src/reports/index.js';
import { exampleClaim, exampleControl, exampleReport, exampleTable, reportOf } from './example-report.js';

const number = fc.double({ min: -10, max: 10, noNaN: true });
const measured = fc
  .tuple(number, number, number)
  .map((three) => [...three].sort((a, b) => a - b) as [number, number, number])
  .map(([lower, estimate, upper]) => ({ estimate, interval: [lower, upper] as const }));

describe('an estimate', () => {
  it('has not moved from itself, and moves the same way there and back', () => {
    fc.assert(
      fc.property(measured, measured, (a, b) => {
        expect(hasMoved(a, a)).toBe(false);
        expect(hasMoved(a, b)).toBe(hasMoved(b, a));
      }),
    );
  });

  it('has moved where the intervals do not meet, and not where each holds the other’s estimate', () => {
    const at = (estimate: number, half: number) => ({
      estimate,
      interval: [estimate - half, estimate + half] as const,
    });
    expect(hasMoved(at(0.5, 0.1), at(0.8, 0.1))).toBe(true);
    expect(hasMoved(at(0.5, 0.1), at(0.55, 0.1))).toBe(false);
    expect(hasMoved(at(0.5, 0.3), at(0.6, 0.01))).toBe(true);
    expect(hasMoved(at(0.5, 0.1), { estimate: null, interval: null })).toBe(true);
    expect(hasMoved({ estimate: null, interval: null }, { estimate: null, interval: null })).toBe(false);
  });
});

describe('the difference between two runs', () => {
  it('is empty between a run and itself', () => {
    const report = { ...exampleReport, tables: [exampleTable()] };
    expect(diffReports(report, report)).toEqual({
      schema: 1,
      added: [],
      removed: [],
      changed: [],
      unchanged: report.claims.length,
      cells: [],
    });
  });

  it('tells what is new and what is gone, by claim and evidence', () => {
    const [one, other] = [exampleClaim(), exampleClaim({ experiment: 'one-frame' })];
    expect(diffReports(reportOf(one), reportOf(other))).toMatchObject({
      added: [{ id: 'cosine-concentration', evidence: 'one-frame' }],
      removed: [{ id: 'cosine-concentration', evidence: 'many-frames' }],
      unchanged: 0,
    });
  });

  it.each([
    ['verdict', { verdict: 'inconclusive', outcome: 'inconclusive' }, ['verdict', 'outcome']],
    ['estimate', { estimate: 0.95, interval: [0.94, 0.96] }, ['estimate']],
    ['threshold', { threshold: { atLeast: 0.8 } }, ['threshold']],
    ['expected', { expected: 'breaks', outcome: 'fail' }, ['outcome', 'expected']],
    ['specific', { specific: false }, ['specific']],
    ['estimate, within the interval', { estimate: 0.91, interval: [0.9004, 0.9177] }, undefined],
  ] as const)('tells a change of the %s', (_what, changes, told) => {
    const { changed } = diffReports(reportOf(exampleClaim()), reportOf(exampleClaim(changes)));
    expect(changed.map((one) => one.changes)).toEqual(told === undefined ? [] : [told]);
  });

  it('tells what moved of controls alone', () => {
    const after = exampleClaim({
      controls: [
        exampleControl({ verdict: 'holds', outcome: 'fail', estimate: 0.95, interval: [0.94, 0.96] }),
      ],
    });
    const { changed } = diffReports(reportOf(exampleClaim()), reportOf(after));
    expect(changed).toHaveLength(1);
    expect(changed[0]).toMatchObject({
      changes: [],
      controls: [{ id: 'shuffled-labels', changes: ['verdict', 'outcome', 'estimate'] }],
    });
  });

  it('finds cells of tables by condition and metric, in whatever order', () => {
    const before = exampleTable();
    const [baseline, other] = before.rows;
    if (baseline === undefined || other === undefined) throw new Error('two rows are wanted');
    const [first, second] = other.cells;
    if (first === undefined || second === undefined) throw new Error('two cells are wanted');
    const moved = { ...first, estimate: 0.5, interval: [0.49, 0.51] as const };
    const after = exampleTable({
      metrics: [...before.metrics].reverse(),
      rows: [
        { ...other, cells: [second, moved] },
        { ...baseline, cells: [...baseline.cells].reverse() },
      ],
    });
    const { cells } = diffReports({ ...reportOf(), tables: [before] }, { ...reportOf(), tables: [after] });
    expect(cells).toEqual([
      {
        table: 'embeddings',
        label: 'unfrozen',
        metric: 'cosine-to-steering-vector',
        before: { estimate: 0.8123, interval: [0.8011, 0.8234] },
        after: { estimate: 0.5, interval: [0.49, 0.51] },
      },
    ]);
  });
});

describe('a difference on the console', () => {
  const before = { ...exampleReport, tables: [exampleTable()] };
  const after = {
    ...reportOf(
      ...exampleReport.claims.slice(1, -1),
      exampleClaim({ id: 'new\u001b[31m' }),
      exampleClaim({ id: 'steering-installs', estimate: 0.7, interval: [0.6, 0.8], controls: [] }),
    ),
    tables: [],
  };

  it('lists what is new, gone and moved, with both sides', () => {
    const text = renderDiff(diffReports(before, after), { width: 90 });
    expect(text).toContain('+ new\\u001b[31m (many-frames)');
    expect(text).toContain('- gradient-law (properties over random tensors)');
    expect(text).toContain('error → pass');
    expect(text).toContain('before  – against ≥ 0.90, ERROR');
    expect(text).toContain('after   0.700 [0.600, 0.800] against ≥ 0.90, HOLDS');
    expect(text).toMatch(/1 claim moved · 4 did not · 1 new · 1 gone · 0 cells of tables moved\n$/);
  });

  it('says in the direction of the change what is better', () => {
    const text = renderDiff(diffReports(after, before), { width: 90 });
    expect(text).toContain('pass → error');
    expect(text).toContain('- new');
  });

  it.each([60, 100])('never exceeds %i columns, in colour or without', (width) => {
    const escapeSequence = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
    const diff = diffReports(before, after);
    const plain = renderDiff(diff, { width });
    for (const line of plain.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    expect(renderDiff(diff, { width, color: true }).replace(escapeSequence, '')).toBe(plain);
  });
});
