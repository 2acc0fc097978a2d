/** Timings drawn: a panel a subject, how each engine's time grows with the size. */

import type { BenchmarkReport, MeasuredCase } from '../../benchmarks/index.js';
import { type Chart, VEGA_LITE_SCHEMA, WIDE } from './chart.js';
import { palette, paletteRules } from './palette.js';
import { renderChart } from './render-chart.js';

const COLUMNS = 3;

const colors = [palette.policy, palette.steered, palette.inverted, palette.noise, palette.sft];

const isMeasured = (result: BenchmarkReport['results'][number]): result is MeasuredCase =>
  result.state === 'measured';

const benchmarkChart = ({ results, engines }: BenchmarkReport): Chart | undefined => {
  const measured = results.filter(isMeasured);
  const ran = engines.filter(({ state }) => state === 'ran').map(({ name }) => name);
  // A single size draws no line, and says nothing of growth.
  const subjects = [...new Set(measured.map(({ subject }) => subject))].filter(
    (subject) =>
      new Set(measured.filter((one) => one.subject === subject).map(({ scale }) => scale)).size > 1,
  );
  const panels = subjects.map((subject) => {
    const values = measured
      .filter((one) => one.subject === subject)
      .map(({ engine, series, scale, medianMs, medianInterval: [lower, upper] }) => {
        return { engine, series, scale, medianMs, lower, upper };
      });
    const scales = [...new Set(values.map(({ scale }) => scale))];
    const largest = Math.max(...scales);
    const named = new Set(values.map(({ series }) => series)).size > 1;
    // Room on the right for the names of the series, where there are several.
    const domain = [Math.min(...scales), largest * (named ? (largest / Math.min(...scales)) ** 0.7 : 1)];
    return {
      title: subject,
      width: (WIDE - 240) / COLUMNS,
      height: 180,
      data: { values },
      encoding: {
        x: {
          field: 'scale',
          type: 'quantitative',
          scale: { type: 'log', domain, nice: false, padding: 6 },
          axis: { values: scales, format: ',' },
          title: null,
        },
        y: {
          field: 'medianMs',
          type: 'quantitative',
          scale: { type: 'log', nice: false, padding: 8 },
          axis: { tickCount: 4, format: '~g' },
          title: 'ms',
        },
        color: {
          field: 'engine',
          type: 'nominal',
          scale: { domain: ran, range: ran.map((_, i) => colors[i % colors.length]?.light ?? '') },
        },
        detail: { field: 'series', type: 'nominal' },
      },
      layer: [
        { mark: { type: 'line' } },
        { mark: { type: 'point' } },
        { mark: { type: 'rule' }, encoding: { y: { field: 'lower' }, y2: { field: 'upper' } } },
        {
          transform: [
            {
              filter: {
                and: [
                  { field: 'scale', equal: largest },
                  { field: 'engine', equal: ran[0] ?? '' },
                ],
              },
            },
          ],
          mark: { type: 'text', align: 'left', dx: 6, fontSize: 10 },
          encoding: { text: named ? { field: 'series' } : { value: '' } },
        },
      ],
    };
  });
  if (panels.length === 0) return undefined;
  return {
    id: 'benchmarks',
    title: 'Time by size',
    description:
      'Median milliseconds of each case by its size, a line an engine and series, both axes logarithmic.',
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      columns: COLUMNS,
      concat: panels,
      resolve: { scale: { x: 'independent', y: 'independent' } },
    } as Chart['spec'],
  };
};

/** The chart as an SVG file of its own, in the colours of the reader's theme; undefined where no subject has two sizes. */
export const drawBenchmarks = async (report: BenchmarkReport): Promise<string | undefined> => {
  const chart = benchmarkChart(report);
  if (chart === undefined) return undefined;
  const svg = await renderChart(chart);
  const { paper } = palette;
  const style = `<style>svg{${paletteRules('light')};background:${paper.light}}@media (prefers-color-scheme:dark){svg{${paletteRules('dark')};background:${paper.dark}}}</style>`;
  return svg.replace(/^<svg[^>]*>/, (tag) => `${tag}${style}`);
};
