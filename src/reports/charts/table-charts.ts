/** Comparison tables drawn: every metric's estimates with intervals against the baseline, and a map of the differences. */

import type { ComparisonTable } from '../../claims/index.js';
import { baselineLabel, excludesZero } from '../comparison-cells.js';
import { formatNumber } from '../format.js';
import { type Chart, FIT, VEGA_LITE_SCHEMA, WIDE } from './chart.js';
import type { Panel } from './layers.js';
import { palette } from './palette.js';

const COLUMNS = 3;
const ROW = 26;

interface Drawn {
  readonly label: string;
  readonly estimate: number;
  readonly lower?: number;
  readonly upper?: number;
  readonly isBaseline: boolean;
}

const rowsOf = ({ rows, baseline }: ComparisonTable, metric: number): Drawn[] =>
  rows.flatMap(({ label, experiment, cells }) => {
    const cell = cells[metric];
    if (cell === undefined || cell.estimate === null) return [];
    const { estimate, interval } = cell;
    return [
      {
        label,
        estimate,
        isBaseline: experiment === baseline,
        ...(interval === null ? {} : { lower: interval[0], upper: interval[1] }),
      },
    ];
  });

/** A panel a metric, a row a condition; the baseline is hollow, its estimate a line across the others. */
const estimatesChart = (table: ComparisonTable): Chart | undefined => {
  const labels = table.rows.map(({ label }) => label);
  const metrics = table.metrics.flatMap(({ id }, index) => {
    const rows = rowsOf(table, index);
    return rows.length < 2 ? [] : [{ id, rows }];
  });
  if (metrics.length === 0) return undefined;
  const columns = Math.min(COLUMNS, metrics.length);
  const panels = metrics.map(({ id, rows }, index): Panel => {
    const y = {
      field: 'label',
      type: 'nominal',
      sort: labels,
      scale: { domain: labels },
      title: null,
      axis:
        index % columns === 0
          ? { labelLimit: 170, ticks: false, domain: false, grid: true }
          : { labels: false, ticks: false, domain: false, grid: true },
    } as const;
    const x = {
      type: 'quantitative',
      title: null,
      scale: { zero: false, nice: false, padding: 10 },
      axis: { tickCount: 4, grid: false },
    } as const;
    return {
      title: id,
      width: Math.round((WIDE - 150 - 30 * columns) / columns),
      height: ROW * labels.length,
      data: { values: rows },
      layer: [
        {
          transform: [{ filter: 'datum.isBaseline' }],
          mark: { type: 'rule', color: palette.muted.light, strokeDash: [2, 3] },
          encoding: { x: { ...x, field: 'estimate' } },
        },
        {
          transform: [{ filter: 'isValid(datum.lower)' }],
          mark: { type: 'rule', color: palette.policy.light, strokeWidth: 2 },
          encoding: { y, x: { ...x, field: 'lower' }, x2: { field: 'upper' } },
        },
        {
          mark: { type: 'point', size: 60, stroke: palette.policy.light, strokeWidth: 2, opacity: 1 },
          encoding: {
            y,
            x: { ...x, field: 'estimate' },
            fill: {
              field: 'isBaseline',
              type: 'nominal',
              scale: { domain: [true, false], range: [palette.paper.light, palette.policy.light] },
              legend: null,
            },
          },
        },
      ],
    };
  });
  return {
    id: 'estimates',
    title: `${table.title}, drawn`,
    description: `95 % intervals. Hollow, and dotted across the others: the baseline, ${baselineLabel(table)}.`,
    isWide: true,
    spec: { $schema: VEGA_LITE_SCHEMA, concat: panels, columns, spacing: { row: 26, column: 26 } },
  };
};

/** A map is worth its space from so many conditions and metrics on. */
const LEAST_ROWS = 4;
const LEAST_METRICS = 3;

/** Conditions by metrics: the shade is the difference to the baseline, relative to the metric's largest. */
const differenceMap = (table: ComparisonTable): Chart | undefined => {
  const { rows, metrics, baseline } = table;
  if (rows.length < LEAST_ROWS || metrics.length < LEAST_METRICS) return undefined;
  const values = metrics.flatMap(({ id }, index) => {
    const differences = rows.map(({ cells }) => cells[index]?.difference ?? 0);
    const largest = Math.max(...differences.map(Math.abs));
    return rows.flatMap(({ label, experiment, cells }, row) => {
      const cell = cells[index];
      if (cell === undefined) return [];
      const difference = differences[row] ?? 0;
      const mark = excludesZero(cell) ? ' *' : '';
      return [
        {
          label,
          metric: id,
          size: largest > 0 ? Math.abs(difference) / largest : 0,
          direction: difference < 0 ? 'below the baseline' : 'above the baseline',
          text:
            cell.estimate === null
              ? 'error'
              : `${formatNumber(cell.estimate)}${experiment === baseline ? '' : mark}`,
        },
      ];
    });
  });
  const encoding = {
    x: {
      field: 'metric',
      type: 'nominal',
      sort: metrics.map(({ id }) => id),
      title: null,
      axis: { orient: 'top', labelAngle: -20, ticks: false, domain: false, labelLimit: 320 },
    },
    y: {
      field: 'label',
      type: 'nominal',
      sort: rows.map(({ label }) => label),
      title: null,
      axis: { ticks: false, domain: false, labelLimit: 180 },
    },
  } as const;
  return {
    id: 'map',
    title: `${table.title}, as a map`,
    description: `Shade: difference to ${baselineLabel(table)}, relative to the largest of that metric. The numbers are estimates; * where the interval of the difference excludes 0.`,
    isWide: true,
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      width: WIDE,
      autosize: FIT,
      height: 34 * rows.length + 110,
      data: { values },
      layer: [
        {
          mark: { type: 'rect', stroke: palette.paper.light, strokeWidth: 2 },
          encoding: {
            ...encoding,
            fill: {
              field: 'direction',
              type: 'nominal',
              scale: {
                domain: ['below the baseline', 'above the baseline'],
                range: [palette.steered.light, palette.policy.light],
              },
              legend: { orient: 'bottom', symbolType: 'square', symbolStrokeWidth: 0, symbolOpacity: 0.6 },
            },
            fillOpacity: {
              field: 'size',
              type: 'quantitative',
              scale: { domain: [0, 1], range: [0, 0.6] },
              legend: null,
            },
          },
        },
        { mark: { type: 'text', fontSize: 12 }, encoding: { ...encoding, text: { field: 'text' } } },
      ],
    },
  };
};

/** What there is to draw of a table. */
export const tableCharts = (table: ComparisonTable): Chart[] =>
  [estimatesChart(table), differenceMap(table)].filter((chart) => chart !== undefined);
