import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClaimReport } from '../../src/claims/index.js';
import { displayWidth, renderConsole, totalsLine } from '../../src/reports/index.js';
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
        for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
      }),
      { numRuns: 60 },
    );
  });

  it('names each claim, its verdict in words, estimate, interval, threshold, n and outcome', () => {
    const lines = renderConsole(exampleReport, { width: 100 }).split('\n');
    const row = lines.findIndex((line) => /^cosine-concentration +0\.996 \[0\.995, 0\.997\]/.test(line));
    expect(lines[row]).toMatch(/≥ 0\.90, n 742 +holds +PASS$/);
    expect(lines[row + 1]).toContain('HOLDS, not specific (noise and SFT hold too)');
    const noise = lines.findIndex((line, at) => at > row && line.startsWith('  placebo-noise'));
    expect(lines[noise]).toMatch(/✓ \+0\.020 \[0\.018, 0\.022\] +holds +HOLDS$/);
    expect(lines[noise + 1]).toMatch(/^ {2}sft .*✗ \+0\.0008 \[-0\.0004, 0\.002\] +holds +HOLDS$/);
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

  it('says the seeds with their spread and the corrected p of a claim, and neither of one without', () => {
    const words = renderConsole(reportOf(exampleClaim())).replace(/\n +/g, ' ');
    expect(words).toContain('HOLDS; by seed 0.909, 0.912 (SD 0.002); adjusted p 0.002 (Holm) · median 0.951');
    const lone = exampleClaim({ seedEstimates: [0.909], seedSd: null, family: 'none', adjustedP: 0.5 });
    expect(renderConsole(reportOf(lone))).not.toMatch(/by seed|SD|adjusted/);
  });

  it('tells a verdict that the correction took back from one whose interval straddles the threshold', () => {
    const own = { verdict: 'inconclusive', outcome: 'inconclusive' } as const;
    const taken = exampleClaim({ ...own, adjustedP: 0.03, interval: [0.901, 0.92] });
    expect(renderConsole(reportOf(taken))).toContain('INCONCLUSIVE after correction for many claims');
    const straddling = exampleClaim({ ...own, interval: [0.89, 0.92] });
    expect(renderConsole(reportOf(straddling))).not.toContain('after correction');
  });

  it('lists companions below the controls, whatever their order, with a difference and no mark', () => {
    const claim = exampleClaim({
      controls: [
        exampleControl({ id: 'trained-vector', role: 'companion', beaten: false, difference: -0.05 }),
        exampleControl(),
      ],
    });
    const lines = renderConsole(reportOf(claim)).split('\n');
    const beside = lines.indexOf('  beside it');
    expect(lines[beside - 1]).toMatch(/^ {2}shuffled-labels .* ✓ beaten/);
    expect(lines[beside + 1]).toMatch(/^ {2}trained-vector .* -0\.050 /);
    expect(lines[beside + 1]).not.toMatch(/[✓✗]/);
    expect(lines[beside + 1]?.indexOf('-0.050')).toBe(lines[beside - 1]?.indexOf('+0.239'));
  });

  it('says in words what a claim compares, under a heading of its own', () => {
    const against = exampleClaim({
      experiment: 'unfrozen',
      comparison: { kind: 'against', experiment: 'frozen', paired: true },
    });
    const trend = exampleClaim({
      experiment: null,
      comparison: { kind: 'trend', experiments: ['small', 'middle', 'large'] },
    });
    const text = renderConsole(reportOf(against, trend), { width: 120 });
    expect(text).toContain('── unfrozen against frozen ─');
    expect(text).toContain('unfrozen less frozen (paired, on the same prompts)');
    expect(text).toContain('── trends over experiments ─');
    expect(text.replace(/\n +/g, ' ')).toContain(
      'slope by log10 of the parameters over small, middle and large',
    );
    expect(text).not.toContain('properties over random tensors');
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
