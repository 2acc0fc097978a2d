/** What a cell of a comparison table says, in every report for people. */

import type { ComparisonCell, ComparisonRow, ComparisonTable } from '../claims/index.js';
import { formatDifference, formatParameters, formatQuantity } from './format.js';

/** Level of the intervals in comparison tables. */
export const COMPARISON_LEVEL = 0.95;

/** The whole interval of the difference lies on one side of 0. */
export const excludesZero = ({ differenceInterval }: ComparisonCell): boolean =>
  differenceInterval !== null && (differenceInterval[0] > 0 || differenceInterval[1] < 0);

/** There is a difference, and it is not over the same prompts. */
export const isUnpaired = ({ difference, paired }: ComparisonCell): boolean => difference !== null && !paired;

export const estimateText = ({ estimate, interval, error }: ComparisonCell, intervals = true): string =>
  error === undefined ? formatQuantity(estimate, intervals ? interval : null) : 'error';

/** The difference to the baseline with its marks, `-0.09 [-0.10, -0.08] *`: `*` clear of 0, `°` not paired. */
export const differenceText = (cell: ComparisonCell, isBaseline: boolean, intervals = true): string => {
  if (isBaseline) return 'baseline';
  const marks = `${excludesZero(cell) ? '*' : ''}${isUnpaired(cell) ? '°' : ''}`;
  return `${formatDifference(cell.difference, intervals ? cell.differenceInterval : null)} ${marks}`.trimEnd();
};

const cellsOf = ({ rows }: ComparisonTable): readonly ComparisonCell[] => rows.flatMap(({ cells }) => cells);

/** The marks that occur in a table, explained. */
export const marksInWords = (table: ComparisonTable): string[] => [
  ...(cellsOf(table).some(excludesZero) ? ['* the interval of the difference excludes 0'] : []),
  ...(cellsOf(table).some(isUnpaired) ? ['° not paired: the prompts are not the baseline’s'] : []),
];

/** Sizes of the rows' models where they are not all of one size. */
export const parametersOf = ({ rows }: ComparisonTable): readonly string[] | undefined =>
  new Set(rows.map(({ parameters }) => parameters)).size < 2
    ? undefined
    : rows.map(({ parameters }) => (parameters === null ? '–' : formatParameters(parameters)));

/** `seeds 100, 101` where all rows have the same. */
export const commonSeeds = ({ rows }: ComparisonTable): string => {
  const [first = '', ...others] = new Set(rows.map(({ seeds }) => seeds.join(', ')));
  return first === '' || others.length > 0 ? '' : `seed${first.includes(',') ? 's' : ''} ${first}`;
};

/** Name of the condition that the others are compared with, as its row calls it. */
export const baselineLabel = ({ baseline, rows }: ComparisonTable): string =>
  rows.find(({ experiment }) => experiment === baseline)?.label ?? baseline;

/** Why a cell is empty, one entry a cell. */
export const cellErrors = ({ metrics, rows }: ComparisonTable): string[] =>
  rows.flatMap(({ label, cells }: ComparisonRow) =>
    cells.flatMap(({ error }, index) =>
      error === undefined ? [] : [`${label}, ${metrics[index]?.id ?? ''}: ${error}`],
    ),
  );
