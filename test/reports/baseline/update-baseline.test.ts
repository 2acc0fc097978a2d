import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/base/index.js';
import type { Baseline } from '../../../src/claims/index.js';
import {
  applyBaseline,
  baselineJson,
  displayWidth,
  parseBaseline,
  renderBaselineUpdate,
  updateBaseline,
} from '../../../src/reports/index.js';
import { exampleClaim, exampleReport, reportOf } from '../example-report.js';
import { someClaims } from './arbitrary-claims.js';

const claim = exampleClaim();
const before = updateBaseline(reportOf(claim)).baseline;
const [entry] = before.claims;
if (entry === undefined) throw new Error('an entry is wanted');
const edited: Baseline = { ...before, claims: [{ ...entry, band: [0.8, 0.95], note: 'widened for CI' }] };

describe('an updated baseline', () => {
  it('says of a claim what was found, how far it may move, and where that comes from', () => {
    expect(before).toEqual({
      schema: 1,
      targets: ['quick'],
      claims: [
        {
          id: 'cosine-concentration',
          experiment: 'many-frames',
          comparison: null,
          verdict: 'holds',
          estimate: 0.9091,
          band: [0.9004, 0.9177],
          dsteer: '0.1.0',
          engine: 'blas',
          seeds: [100, 101],
        },
      ],
    });
  });

  it('holds the run that it was updated to, and is left as it is by it', () => {
    fc.assert(
      fc.property(someClaims, someClaims, (old, now) => {
        const report = reportOf(...now);
        const first = updateBaseline(report, updateBaseline(reportOf(...old)).baseline);
        const held = applyBaseline(report, first.baseline, 'x');
        for (const { baseline, verdict } of held.claims) {
          if (verdict !== 'error') expect(baseline?.state).toBe('within');
        }
        const again = updateBaseline(report, first.baseline);
        expect(again.changes.filter(({ kind }) => kind !== 'unjudged')).toEqual([]);
        expect(baselineJson(again.baseline)).toBe(baselineJson(first.baseline));
      }),
    );
  });

  it('counts each entry once: it is added, rewritten or unchanged', () => {
    fc.assert(
      fc.property(someClaims, someClaims, (old, now) => {
        const { baseline, changes, unchanged } = updateBaseline(
          reportOf(...now),
          updateBaseline(reportOf(...old)).baseline,
        );
        const written = changes.filter(({ kind }) => kind === 'added' || kind === 'rewritten').length;
        expect(written + unchanged).toBe(baseline.claims.length);
      }),
    );
  });

  it('keeps a band that was edited by hand while the estimate is within it', () => {
    const moved = reportOf(exampleClaim({ estimate: 0.93, interval: [0.92, 0.94] }));
    expect(updateBaseline(moved, edited)).toMatchObject({ baseline: edited, changes: [], unchanged: 1 });
    expect(updateBaseline(moved, before).changes).toMatchObject([
      { kind: 'rewritten', before: { band: [0.9004, 0.9177] }, after: { band: [0.92, 0.94] } },
    ]);
  });

  it('keeps the words of whoever edited an entry that it rewrites', () => {
    const { baseline } = updateBaseline(reportOf(exampleClaim({ verdict: 'inconclusive' })), edited);
    expect(baseline.claims[0]).toMatchObject({ verdict: 'inconclusive', note: 'widened for CI' });
  });

  it('drops what the same request no longer judges, and keeps what another did not ask for', () => {
    const other = reportOf(exampleClaim({ id: 'another' }));
    const same = updateBaseline(other, before);
    expect(same.changes.map(({ kind }) => kind)).toEqual(['added', 'removed']);
    expect(same.baseline.claims.map(({ id }) => id)).toEqual(['another']);
    const less = updateBaseline({ ...other, run: { ...exampleReport.run, targets: ['another'] } }, before);
    expect(less.changes.map(({ kind }) => kind)).toEqual(['added']);
    expect(less.baseline.targets).toEqual(['quick']);
    expect(less.baseline.claims).toHaveLength(2);
    const more = updateBaseline({ ...other, run: { ...exampleReport.run, targets: ['quick', 'x'] } }, before);
    expect(more.baseline).toMatchObject({ targets: ['quick', 'x'], claims: [{ id: 'another' }] });
  });

  it('accepts no error, and keeps what the claim had', () => {
    const failed = reportOf(
      exampleClaim({ verdict: 'error', outcome: 'error', estimate: null, interval: null }),
    );
    expect(updateBaseline(failed).baseline.claims).toEqual([]);
    const { baseline, changes } = updateBaseline(failed, before);
    expect(baseline).toEqual(before);
    expect(changes).toMatchObject([{ kind: 'unjudged', name: { id: 'cosine-concentration' } }]);
  });

  it('is not made of a shard, nor of one case judged twice', () => {
    const shard = { index: 1, count: 2, claims: [], tables: [], whole: { claims: 0, tables: 0, seeds: [] } };
    const part = { ...exampleReport, run: { ...exampleReport.run, shard } };
    expect(() => updateBaseline(part)).toThrow(UsageError);
    expect(() => updateBaseline(reportOf(claim, claim))).toThrow('judged twice');
  });
});

describe('what an update says', () => {
  it.each([50, 100])('names every change, in %i columns', (width) => {
    const report = reportOf(
      exampleClaim({ estimate: 0.95, interval: [0.94, 0.96] }),
      exampleClaim({ id: 'fresh\u001b[31m' }),
    );
    const gone = { ...entry, id: 'gone' };
    const update = updateBaseline(report, { ...before, claims: [entry, gone] });
    const text = renderBaselineUpdate(update, 'b.json', { width });
    const flat = text.replace(/\s+/g, ' ');
    expect(flat).toContain(
      '~ cosine-concentration (many-frames): HOLDS 0.9091 in [0.9004, 0.9177] → HOLDS 0.95 in [0.94, 0.96]',
    );
    expect(flat).toContain('+ fresh\\u001b[31m (many-frames): HOLDS 0.9091 in [0.9004, 0.9177]');
    expect(flat).toContain('- gone (many-frames): HOLDS');
    expect(flat).toContain('Baseline b.json: 1 added · 1 rewritten · 1 removed · 0 unchanged');
    for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(width);
  });
});

describe('the file', () => {
  it('comes back as it was written, in one order whatever order it is given in', () => {
    fc.assert(
      fc.property(someClaims, fc.nat(), (claims, salt) => {
        const { baseline } = updateBaseline(reportOf(...claims));
        const text = baselineJson(baseline);
        const turned = {
          ...baseline,
          claims: [...baseline.claims.slice(salt % 8), ...baseline.claims.slice(0, salt % 8)],
        };
        expect(baselineJson(turned)).toBe(text);
        expect(baselineJson(parseBaseline(text, 'b.json'))).toBe(text);
        expect(parseBaseline(text, 'b.json').claims).toHaveLength(baseline.claims.length);
      }),
    );
  });

  it('has a line for each thing that may change, and its bands on one', () => {
    const text = baselineJson(edited);
    expect(text).toContain('      "band": [0.8, 0.95],\n');
    expect(text).toContain('      "seeds": [100, 101],\n');
    expect(text).toContain('"targets": [\n    "quick"\n  ]');
  });
});
