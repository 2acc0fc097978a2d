import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeMarkdown, summaryMarkdown } from '../../src/reports/index.js';
import { exampleClaim, exampleReport, reportOf } from './example-report.js';

/** Cells of a GitHub table row: bars that are not escaped part them. */
const cellsOf = (line: string): string[] => line.split(/(?<!\\)\|/).slice(1, -1);

describe('summary.md', () => {
  it('gives every row of a table the columns of its header, whatever a claim is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (id) => {
        const lines = summaryMarkdown(reportOf(exampleClaim({ id }))).split('\n');
        const rows = lines.filter((line) => line.startsWith('| '));
        expect(rows).toHaveLength(4);
        for (const line of rows) expect(cellsOf(line)).toHaveLength(7);
      }),
    );
  });

  it('has no markup of foreign text', () => {
    expect(escapeMarkdown('<img src=x> | `a` *b* @team\n# c')).toBe(
      '&lt;img src=x&gt; \\| \\`a\\` \\*b\\* @\u200bteam \\# c',
    );
  });

  it('shows verdict in words, numbers, controls with their differences, and how to read them', () => {
    const text = summaryMarkdown(exampleReport);
    expect(text).toContain(
      '| **cosine-concentration** | holds | HOLDS, not specific (noise and SFT hold too) | 0.996 [0.995, 0.997] | ≥ 0.90 | 742 | ✅ PASS |',
    );
    expect(text).toContain('| ↳ sft | holds | HOLDS |');
    expect(text).toContain('## How to read this');
    expect(text).toContain('**2 pass · 2 fail · 1 inconclusive · 1 error**');
  });
});
