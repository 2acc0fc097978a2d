import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Chart } from '../../src/reports/charts/chart.js';
import { cosineChart } from '../../src/reports/charts/distribution-chart.js';
import { binEdges, histogramOf, outlineOf } from '../../src/reports/charts/histogram.js';
import { palette, withThemeColors } from '../../src/reports/charts/palette.js';
import { renderChart } from '../../src/reports/charts/render-chart.js';
import { sweepChart } from '../../src/reports/charts/sweep-chart.js';
import { tableCharts } from '../../src/reports/charts/table-charts.js';
import { scaleOver } from '../../src/reports/html/scale.js';
import { exampleTable } from './example-report.js';

const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const share = (percent: string): number => Number(percent.slice(0, -1)) / 100;

describe('a scale', () => {
  it('keeps order and proportion, and has every value within it', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 8 }), (values) => {
        const scale = scaleOver(values);
        for (const one of values) {
          expect(one).toBeGreaterThanOrEqual(scale.lower);
          expect(one).toBeLessThanOrEqual(scale.upper);
          const exact = (one - scale.lower) / (scale.upper - scale.lower);
          expect(Math.abs(share(scale.at(one)) - exact)).toBeLessThan(1e-4);
        }
        for (const tick of scale.ticks) {
          expect(tick).toBeGreaterThanOrEqual(scale.lower - 1e-9);
          expect(tick).toBeLessThanOrEqual(scale.upper + 1e-9);
        }
        const positions = [...values].sort((a, b) => a - b).map((one) => share(scale.at(one)));
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
      }),
    );
  });

  it('has two to ten round ticks wherever values differ visibly', () => {
    fc.assert(
      fc.property(value, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (start, span) => {
        const { ticks } = scaleOver([start, start + span]);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(10);
      }),
    );
  });

  it('shows a single value, and nothing at all', () => {
    expect(scaleOver([0.9]).at(0.9)).toBe('50%');
    expect(scaleOver([0]).at(0)).toBe('50%');
    expect(scaleOver([Number.NaN]).at(2)).toBe('100%');
  });
});

describe('a histogram', () => {
  it('puts every finite value into the one bin that holds it', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), (values) => {
        const edges = binEdges(values);
        const bins = histogramOf(values, edges);
        expect(bins.length).toBeLessThanOrEqual(41);
        expect(bins.reduce((sum, bin) => sum + bin.share, 0)).toBeCloseTo(1, 9);
        for (const { from, to, share: own } of bins) {
          const within = values.filter((one) => one >= from && one < to).length;
          expect(own).toBeCloseTo(within / values.length, 9);
        }
      }),
    );
  });

  it('has an outline that encloses its area', () => {
    const bins = histogramOf([1, 1, 2, 5], [0, 2, 4, 6]);
    expect(bins.map((bin) => bin.share)).toEqual([0.5, 0.25, 0.25]);
    const outline = outlineOf(bins);
    expect(outline[0]).toEqual({ x: 0, share: 0 });
    expect(outline.at(-1)).toEqual({ x: 6, share: 0 });
    let area = 0;
    for (let k = 1; k < outline.length; k++) {
      const [a, b] = [outline[k - 1], outline[k]];
      if (a && b) area += ((b.x - a.x) * (a.share + b.share)) / 2;
    }
    expect(area).toBeCloseTo(2 * (0.5 + 0.25 + 0.25), 12);
  });
});

describe('a chart', () => {
  const cosines = cosineChart([{ subject: 'dpo', values: [0.2, 0.95, 0.96, 0.97] }], 0.9);

  it('says in words what it shows', () => {
    expect(cosines?.description).toContain(
      '(4 prompts). Medians: DPO 0.955. 75 % of DPO’s lie at or above 0.9.',
    );
  });

  it('is not there where there is nothing to draw', () => {
    expect(cosineChart([], 0.9)).toBeUndefined();
    expect(cosineChart([{ subject: 'sft', values: [1] }], 0.9)).toBeUndefined();
    expect(sweepChart({ points: [{ lambda: 1, margin: 2 }], n: 3 })).toBeUndefined();
    expect(tableCharts(exampleTable({ rows: exampleTable().rows.slice(0, 1) }))).toEqual([]);
  });

  it('has a panel for each quantity that was measured, and no other', () => {
    const points = [
      { lambda: 0, margin: 1, bleu: null },
      { lambda: 1, margin: 2, bleu: null, toxicity: 0.1 },
    ];
    const spec = sweepChart({ points, ceiling: null, n: 3 })?.spec;
    expect(spec && 'concat' in spec ? spec.concat : []).toMatchObject([
      { title: { text: 'mean margin, nats' } },
    ]);
  });

  it('becomes SVG in custom properties of the page, without roles, style attributes or a reference elsewhere', async () => {
    const svg = await renderChart(cosines as Chart);
    expect(svg.startsWith('<svg')).toBe(true);
    expect(svg).toContain('stroke="var(--chart-policy)"');
    for (const { light } of Object.values(palette)) expect(svg).not.toContain(`"${light}"`);
    expect(svg).not.toMatch(/ role=| aria-| style=|<image|<script|href=/);
  });

  it('shows foreign labels as text', async () => {
    const label = '<script>"x" & \'y\' role="img"';
    const [chart] = tableCharts(
      exampleTable({
        rows: exampleTable().rows.map((row) => ({ ...row, label: `${label}${row.experiment}` })),
      }),
    );
    const svg = await renderChart(chart as Chart);
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script');
  });

  it('cannot load anything', async () => {
    const spec = { data: { url: 'https://example.org/data.csv' }, mark: 'point', encoding: {} } as const;
    await expect(renderChart({ id: 'bad', spec })).rejects.toThrow('the chart bad cannot be drawn');
  });

  it('has colours that are all told apart, in either theme', () => {
    for (const theme of ['light', 'dark'] as const) {
      const all = Object.values(palette).map((color) => color[theme]);
      expect(new Set(all).size).toBe(all.length);
    }
    expect(withThemeColors(`fill="${palette.base.light}" d="${palette.base.light}x"`)).toBe(
      `fill="var(--chart-base)" d="${palette.base.light}x"`,
    );
  });
});
