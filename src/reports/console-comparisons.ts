/** A comparison table for the console: a row per condition; where it is too wide, blocks of metrics below one another. */

import { printable } from '../base/index.js';
import type { ComparisonTable } from '../claims/index.js';
import {
  baselineLabel,
  COMPARISON_LEVEL,
  cellErrors,
  commonSeeds,
  differenceText,
  estimateText,
  excludesZero,
  marksInWords,
  parametersOf,
} from './comparison-cells.js';
import { CELL_GAP, type Cell, joinCells } from './console-cells.js';
import { displayWidth } from './display-width.js';
import { formatLevel } from './format.js';
import type { Style } from './style.js';
import { cut, pad, widest, wrapText } from './text.js';

/** The two columns of one metric, rows in the table's order. */
interface MetricColumns {
  readonly id: string;
  readonly estimates: readonly string[];
  readonly differences: readonly string[];
  /** Differences that are clear of 0; the heading's is not. */
  readonly clear: readonly boolean[];
  readonly estimate: number;
  readonly difference: number;
}

/** Names may be cut to this before intervals are left out. */
const SHORT_NAME = 16;

const widthOf = ({ estimate, difference }: MetricColumns): number => estimate + CELL_GAP + difference;

const columnsOf = (table: ComparisonTable, index: number, intervals: boolean): MetricColumns => {
  const cells = table.rows.flatMap((row) => {
    const cell = row.cells[index];
    return cell === undefined ? [] : [{ cell, isBaseline: row.experiment === table.baseline }];
  });
  const level = intervals ? ` [${formatLevel(COMPARISON_LEVEL)}]` : '';
  const id = printable(table.metrics[index]?.id ?? '');
  const estimates = [`ESTIMATE${level}`, ...cells.map(({ cell }) => estimateText(cell, intervals))];
  const differences = [
    'DIFFERENCE',
    ...cells.map(({ cell, isBaseline }) => differenceText(cell, isBaseline, intervals)),
  ];
  const estimate = widest(estimates);
  // The name of the metric stands over both columns.
  const difference = Math.max(widest(differences), displayWidth(id) - estimate - CELL_GAP);
  const clear = [false, ...cells.map(({ cell }) => excludesZero(cell))];
  return { id, estimates, differences, clear, estimate, difference };
};

/** Makes room in the columns of a metric that alone is too wide. */
const shrink = (columns: MetricColumns, room: number): MetricColumns => {
  if (widthOf(columns) <= room) return columns;
  const difference = Math.max(1, Math.min(columns.difference, room - CELL_GAP - columns.estimate));
  const estimate = Math.max(1, Math.min(columns.estimate, room - CELL_GAP - difference));
  return { ...columns, estimate, difference };
};

/** As many metrics in each block as fit into `room`. */
const packBlocks = (metrics: readonly MetricColumns[], room: number): MetricColumns[][] => {
  const blocks: MetricColumns[][] = [];
  let left = 0;
  for (const metric of metrics) {
    const needed = widthOf(metric) + CELL_GAP;
    const block = blocks.at(-1);
    if (block === undefined || needed > left) {
      blocks.push([metric]);
      left = room - widthOf(metric);
    } else {
      block.push(metric);
      left -= needed;
    }
  }
  return blocks;
};

/** The columns that every block begins with: condition, n, and the size of the model where it differs. */
const leadColumns = (table: ComparisonTable): { names: string[]; counts: string[]; sizes: string[] } => {
  const sizes = parametersOf(table);
  return {
    names: ['CONDITION', ...table.rows.map(({ label }) => printable(label))],
    counts: ['N', ...table.rows.map(({ n }) => String(n))],
    sizes: sizes === undefined ? [] : ['SIZE', ...sizes],
  };
};

const blockLines = (
  block: readonly MetricColumns[],
  lead: ReturnType<typeof leadColumns>,
  nameWidth: number,
  style: Style,
): string[] => {
  const { names, counts, sizes } = lead;
  const [countWidth, sizeWidth] = [widest(counts), widest(sizes)];
  const leadCells = (row: number): Cell[] => [
    { text: names[row] ?? '', width: nameWidth, ...(row > 0 ? { paint: style.bold } : {}) },
    { text: counts[row] ?? '', width: countWidth, right: true },
    { text: sizes[row] ?? '', width: sizeWidth, right: true },
  ];
  const heading = joinCells([
    ...leadCells(names.length),
    ...block.map((metric) => ({ text: metric.id, width: widthOf(metric) })),
  ]);
  const lines = names.map((_, row) => {
    const line = joinCells([
      ...leadCells(row),
      ...block.flatMap(({ estimates, differences, clear, estimate, difference }): Cell[] => [
        {
          text: estimates[row] ?? '',
          width: estimate,
          ...(estimates[row] === 'error' ? { paint: style.red } : {}),
        },
        {
          text: differences[row] ?? '',
          width: difference,
          ...(row > 0 ? { paint: clear[row] ? style.yellow : style.dim } : {}),
        },
      ]),
    ]);
    return row === 0 ? style.dim(line) : line;
  });
  return [style.dim(heading), ...lines];
};

/** The lines of one table, none wider than `width`. */
export const comparisonLines = (table: ComparisonTable, width: number, style: Style): string[] => {
  const lead = leadColumns(table);
  const besideName = [lead.counts, lead.sizes]
    .map(widest)
    .reduce((sum, column) => sum + (column > 0 ? column + CELL_GAP : 0), 0);
  const fullName = widest(lead.names);
  const metricsWith = (intervals: boolean): MetricColumns[] =>
    table.metrics.map((_, index) => columnsOf(table, index, intervals));
  const leastNeeded = (metrics: readonly MetricColumns[]): number =>
    besideName + CELL_GAP + Math.max(0, ...metrics.map(widthOf));
  const rich = metricsWith(true);
  const fits = leastNeeded(rich) + Math.min(fullName, SHORT_NAME) <= width;
  const chosen = fits ? rich : metricsWith(false);
  const nameWidth = Math.max(4, Math.min(fullName, width - leastNeeded(chosen)));
  const room = width - nameWidth - besideName - CELL_GAP;
  const metrics = chosen.map((columns) => shrink(columns, room));
  const told = [
    `differences to ${baselineLabel(table)}`,
    `${formatLevel(COMPARISON_LEVEL)} intervals`,
    commonSeeds(table),
  ].filter((part) => part !== '');
  const legend = [
    ...marksInWords(table),
    ...table.metrics.map(({ id, title }) => `${id}: ${title}`),
    ...cellErrors(table),
  ];
  const small = (text: string): string[] => wrapText(printable(text), width).map(style.dim);
  return [
    style.cyan(pad(cut(`── ${printable(table.title)} `, width), width, '─')),
    ...small(told.join('; ')),
    ...packBlocks(metrics, room).flatMap((block) => ['', ...blockLines(block, lead, nameWidth, style)]),
    '',
    ...legend.flatMap(small),
  ];
};
