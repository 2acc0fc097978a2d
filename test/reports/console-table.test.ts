import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClaimReport } from '../../src/claims/index.js';
import { renderConsole, totalsLine } from '../../src/reports/index.js';
import { exampleClaim, exampleControl, exampleReport, reportOf } from './example-report.js';

const escapeSequence = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
const stripColor = (text: string): string => text.replace(escapeSequence, '');

/** Lines of the table proper: counterexamples below it are kept whole on purpose. */
const tableLines = (text: string): string[] => (text.split('\nCounterexamples')[0] ?? '').split('\n');

const numbers = fc.double({ min: -1e4, max: 1e4, noNaN: true });
const claims = fc
  .record({
    id: fc.stringMatching(/^[a-z][a-z-]{2,40}$/, { size: 'max' }),
    experiment: fc.option(fc.stringMatching(/^[a-z][a-z-]{2,60}$/, { size: 'max' })),
    estimate: fc.option(numbers),
    bounds: fc.tuple(numbers, numbers),
    n: fc.nat(1_000_000),
    error: fc.string({ unit: 'binary', maxLength: 200 }),
    outcome: fc.constantFrom('pass', 'fail', 'inconclusive', 'error'),
    verdict: fc.constantFrom('holds', 'breaks', 'inconclusive', 'error'),
    beaten: fc.array(fc.boolean(), { maxLength: 4 }),
  })
  .map(({ bounds, beaten, ...fields }): ClaimReport => {
    const interval = [Math.min(...bounds), Math.max(...bounds)] as const;
    const controls = beaten.map((isBeaten) =>
      exampleControl({ beaten: isBeaten, estimate: fields.estimate, interval, differenceInterval: interval }),
    );
    return exampleClaim({ ...fields, interval, controls });
  });

describe('the console table', () => {
  it.each([120, 100, 80, 60])('never writes a line wider than %i columns', (width) => {
    fc.assert(
      fc.property(fc.array(claims, { maxLength: 4 }), fc.boolean(), (some, color) => {
        const lines = tableLines(stripColor(renderConsole(reportOf(...some), { width, color })));
        for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(width);
      }),
      { numRuns: 60 },
    );
  });

  it('names each claim, its verdict in words, estimate, interval, threshold, n and outcome', () => {
    const lines = renderConsole(exampleReport, { width: 100 }).split('\n');
    const row = lines.findIndex((line) => /^cosine-concentration +0\.996 \[0\.995, 0\.997\]/.test(line));
    expect(lines[row]).toMatch(/≥ 0\.90, n 742 +holds +PASS$/);
    expect(lines[row + 1]).toContain('HOLDS, not specific (noise and SFT hold too)');
    expect(lines[row + 2]).toMatch(/^ {2}placebo-noise .*✓ \+0\.020 \[0\.018, 0\.022\] +holds +HOLDS$/);
    expect(lines[row + 3]).toMatch(/^ {2}sft .*✗ \+0\.0008 \[-0\.0004, 0\.002\] +holds +HOLDS$/);
  });

  it('marks the control that surprises, and says that it is why the claim fails', () => {
    const text = renderConsole(exampleReport, { width: 120 });
    expect(text).toContain('BREAKS, but control random-directions was expected to break');
    expect(text).toMatch(/random-directions.*✗ not beaten.*HOLDS !/);
  });

  it('keeps the intervals and the threshold at 80 columns', () => {
    const text = renderConsole(exampleReport, { width: 80 });
    expect(text).toMatch(/cosine-concentration +0\.996 \[0\.995, 0\.997\] +≥ 0\.90, n 742 +PASS/);
    expect(text).toContain('expected to hold');
  });

  it('has a totals line that counts the claims', () => {
    expect(totalsLine(exampleReport)).toBe('2 pass · 2 fail · 1 inconclusive · 1 error');
    expect(renderConsole(exampleReport)).toContain(totalsLine(exampleReport));
    const counted = Object.values(exampleReport.totals).reduce((sum, count) => sum + count, 0);
    expect(counted).toBe(exampleReport.claims.length);
  });

  it('prints a counterexample in one line with nothing that a terminal would obey', () => {
    const line = renderConsole(exampleReport)
      .split('\n')
      .find((text) => text.startsWith('gradient-law: {'));
    expect(line).toBe(
      'gradient-law: { seed: 42, path: "0:3" } → {"h":[0,1],"beta":0.1,\\n"margin":"\\u001b[31m"}',
    );
  });

  it('has the same text with colour as without', () => {
    const plain = renderConsole(exampleReport, { width: 100 });
    const colored = renderConsole(exampleReport, { width: 100, color: true });
    expect(colored).not.toBe(plain);
    expect(stripColor(colored)).toBe(plain);
  });

  it('says so little of a run without claims that nothing can be misread', () => {
    expect(renderConsole(reportOf())).toContain('0 pass · 0 fail · 0 inconclusive · 0 error');
  });
});
