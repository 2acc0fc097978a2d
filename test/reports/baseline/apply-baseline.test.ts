import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, type RunReport } from '../../../src/claims/index.js';
import { applyBaseline, updateBaseline, withoutBaseline } from '../../../src/reports/index.js';
import { exampleClaim, exampleReport, reportOf } from '../example-report.js';
import { someClaims } from './arbitrary-claims.js';

const baselineFrom = (report: RunReport) => updateBaseline(report).baseline;
const accepted = baselineFrom(reportOf(exampleClaim()));
const hold = (report: RunReport, baseline = accepted) => applyBaseline(report, baseline, 'base.json');
const standingIn = (report: RunReport) => report.claims[0]?.baseline?.state;

describe('a run held against a baseline', () => {
  it('is within the baseline that is made of it, and keeps its outcomes', () => {
    fc.assert(
      fc.property(someClaims, (claims) => {
        const report = reportOf(...claims);
        const held = hold(report, baselineFrom(report));
        expect(held.totals).toEqual(report.totals);
        expect(exitCodeOf(held)).toBe(exitCodeOf(report));
        expect(held.baseline?.missing).toEqual([]);
        for (const { baseline, verdict } of held.claims) {
          expect(baseline?.state).toBe(verdict === 'error' ? 'new' : 'within');
        }
      }),
    );
  });

  it('comes back from it as it was, and is held against the last one alone', () => {
    fc.assert(
      fc.property(someClaims, someClaims, someClaims, (claims, one, other) => {
        const report = reportOf(...claims);
        const [first, last] = [baselineFrom(reportOf(...one)), baselineFrom(reportOf(...other))];
        expect(withoutBaseline(hold(report, first))).toEqual(report);
        expect(hold(hold(report, first), last)).toEqual(hold(report, last));
      }),
    );
  });

  it('never makes an outcome better', () => {
    fc.assert(
      fc.property(someClaims, someClaims, (claims, others) => {
        const report = reportOf(...claims);
        const held = hold(report, baselineFrom(reportOf(...others)));
        held.claims.forEach(({ outcome }, index) => {
          const before = report.claims[index]?.outcome;
          expect(outcome === before || outcome === 'fail').toBe(true);
          if (before === 'error') expect(outcome).toBe('error');
        });
      }),
    );
  });

  it.each([
    ['above', 0.9179, 'left', 'fail'],
    ['below', 0.9003, 'left', 'fail'],
    ['at the upper end of', 0.9177, 'within', 'pass'],
    ['at the lower end of', 0.9004, 'within', 'pass'],
    ['by rounding above', 0.9177 + 5e-7, 'within', 'pass'],
  ])('fails where the estimate is %s its band', (_where, estimate, state, outcome) => {
    const held = hold(reportOf(exampleClaim({ estimate })));
    expect(held.claims[0]).toMatchObject({
      outcome,
      verdict: 'holds',
      baseline: { state, band: [0.9004, 0.9177] },
    });
    expect(exitCodeOf(held)).toBe(outcome === 'pass' ? 0 : 1);
    expect(held.totals.fail).toBe(outcome === 'pass' ? 0 : 1);
  });

  it('fails where the verdict is another, though an inconclusive one alone would not', () => {
    const unclear = exampleClaim({ verdict: 'inconclusive', outcome: 'inconclusive' });
    const held = hold(reportOf(unclear));
    expect(standingIn(held)).toBe('verdict');
    expect(exitCodeOf(reportOf(unclear))).toBe(3);
    expect(exitCodeOf(held)).toBe(1);
  });

  it('does not make an expected verdict out of one that a baseline accepted', () => {
    const surprising = exampleClaim({ verdict: 'breaks', outcome: 'fail' });
    const report = reportOf(surprising);
    const held = hold(report, baselineFrom(report));
    expect(standingIn(held)).toBe('within');
    expect(exitCodeOf(held)).toBe(1);
  });

  it('fails for a claim that is missing, in a whole run and not in a part of one', () => {
    const other = reportOf(exampleClaim({ id: 'another' }));
    const held = hold(other);
    expect(standingIn(held)).toBe('new');
    expect(held.claims[0]?.outcome).toBe('pass');
    expect(held.baseline?.missing).toEqual([
      { id: 'cosine-concentration', experiment: 'many-frames', comparison: null },
    ]);
    expect(exitCodeOf(held)).toBe(1);
    const shard = { index: 1, count: 2, claims: [0], tables: [], whole: { claims: 2, tables: 0, seeds: [] } };
    const part = hold({ ...other, run: { ...other.run, shard } });
    expect(part.baseline?.missing).toEqual([]);
    expect(exitCodeOf(part)).toBe(0);
  });

  it('tells the same claim in two experiments apart, and trends over others', () => {
    const trend = (experiments: readonly string[]) =>
      reportOf(exampleClaim({ experiment: null, comparison: { kind: 'trend', experiments } }));
    expect(standingIn(hold(reportOf(exampleClaim({ experiment: 'one-frame' }))))).toBe('new');
    const baseline = baselineFrom(trend(['a', 'b', 'c']));
    expect(standingIn(hold(trend(['a', 'b', 'c']), baseline))).toBe('within');
    expect(standingIn(hold(trend(['a', 'b', 'd']), baseline))).toBe('new');
  });

  it('notes another engine, other seeds and another request, and compares all the same', () => {
    const { run } = exampleReport;
    const report = reportOf(exampleClaim({ seeds: [7] }));
    const held = hold({ ...report, run: { ...run, engine: 'wasm', targets: ['own.yaml'] } });
    expect(standingIn(held)).toBe('within');
    expect(held.baseline?.notes).toEqual([
      'it was made of quick, and this run judged own.yaml',
      '1 claim was accepted on engine blas, and judged on wasm',
      '1 claim was accepted from seeds 100, 101, and judged from 7',
    ]);
    expect(hold(reportOf(exampleClaim())).baseline?.notes).toEqual([]);
  });
});
