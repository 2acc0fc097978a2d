import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeMarkdown, summaryMarkdown } from '../../src/reports/index.js';
import {
  exampleCell,
  exampleClaim,
  exampleControl,
  exampleReport,
  exampleRow,
  exampleTable,
  reportOf,
} from './example-report.js';

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

  it('lists companions apart from controls', () => {
    const companion = exampleControl({ id: 'trained-vector', role: 'companion', beaten: false });
    const lines = summaryMarkdown(reportOf(exampleClaim({ controls: [companion, exampleControl()] }))).split(
      '\n',
    );
    const at = lines.findIndex((line) => line.startsWith('| ∥ beside it: trained-vector'));
    expect(lines[at - 1]).toMatch(/^\| ↳ shuffled-labels .* ✓ beaten \|$/);
    expect(lines[at]).not.toMatch(/beaten/);
  });

  it('says spread, correction and what is compared', () => {
    const comparison = { kind: 'against', experiment: 'frozen', paired: false } as const;
    const text = summaryMarkdown(reportOf(exampleClaim({ experiment: 'unfrozen', comparison })));
    expect(text).toContain('## unfrozen against frozen');
    expect(text).toContain('Compared: unfrozen less frozen (not paired: their prompts are not the same).');
    expect(text).toContain('(SD over seeds 0.002)');
    expect(text).toContain('adjusted p 0.002 (Holm)');
  });

  it('has a Markdown table per comparison: a column a metric, differences clear of 0 in bold', () => {
    const text = summaryMarkdown({ ...exampleReport, tables: [exampleTable()] });
    expect(text).toContain('## Frozen against unfrozen embeddings');
    expect(text).toContain('| Condition | n | cosine-to-steering-vector | flips-undone |');
    expect(text).toContain('| **frozen** | 768 | 0.899 [0.892, 0.905] |');
    expect(text).toContain(
      '| **unfrozen** | 768 | 0.812 [0.801, 0.823]<br>**Δ -0.087 \\[-0.098, -0.077\\] \\*** | 0.812 [0.801, 0.823]<br>Δ +0.002 ',
    );
    expect(text).toContain('unfrozen, cosine-to-steering-vector: participation ratio 1.910');
  });

  it('gives each row of a comparison the columns of its header, whatever a condition is called', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.option(fc.nat()),
        fc.string({ unit: 'binary', maxLength: 20 }),
        (label, parameters, error) => {
          const rows = [exampleRow({ parameters: 5 }), exampleRow({ label, parameters })];
          const table = exampleTable({
            rows: [...rows, exampleRow({ cells: [exampleCell({ error }), exampleCell()] })],
          });
          const lines = summaryMarkdown({ ...reportOf(), tables: [table] }).split('\n');
          const [header = '', ...others] = lines.filter((line) => line.startsWith('| ')).slice(0, 4);
          for (const line of others) expect(cellsOf(line)).toHaveLength(cellsOf(header).length);
        },
      ),
      { numRuns: 50 },
    );
  });
});
