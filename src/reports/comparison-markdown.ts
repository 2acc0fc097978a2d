/** A comparison table as Markdown. */

import type { ComparisonCell, ComparisonTable } from '../claims/index.js';
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
import { formatLevel, formatNumber } from './format.js';
import { escapeMarkdown, markdownRow } from './markdown.js';
import { detailInWords } from './outcome-words.js';

/** Estimate over difference, the difference bold where its interval excludes 0. */
const cellMarkdown = (cell: ComparisonCell, isBaseline: boolean): string => {
  const estimate = estimateText(cell);
  if (isBaseline || cell.difference === null) return estimate;
  const difference = escapeMarkdown(`Δ ${differenceText(cell, false)}`);
  return `${estimate}<br>${excludesZero(cell) ? `**${difference}**` : difference}`;
};

/** Each cell's further numbers, folded away: there are many. */
const detailLines = ({ metrics, rows }: ComparisonTable): string[] => {
  const told = rows.flatMap(({ label, cells }) =>
    cells.flatMap(({ details }, index) => {
      const numbers = Object.entries(details).map(
        ([name, value]) => `${detailInWords(name)} ${formatNumber(value)}`,
      );
      const head = `${label}, ${metrics[index]?.id ?? ''}`;
      return numbers.length === 0 ? [] : [`- ${escapeMarkdown(`${head}: ${numbers.join(', ')}`)}`];
    }),
  );
  return told.length === 0
    ? []
    : ['', '<details><summary>Further numbers</summary>', '', ...told, '', '</details>'];
};

/** A heading, what is compared with what, the table, its marks and further numbers. */
export const comparisonMarkdown = (table: ComparisonTable): string => {
  const sizes = parametersOf(table);
  const told = [
    `Δ: difference to ${baselineLabel(table)}`,
    `${formatLevel(COMPARISON_LEVEL)} intervals`,
    commonSeeds(table),
    ...marksInWords(table),
  ].filter((part) => part !== '');
  const notes = [...table.metrics.map(({ id, title }) => `${id}: ${title}`), ...cellErrors(table)];
  return [
    `## ${escapeMarkdown(table.title)}`,
    '',
    `${escapeMarkdown(told.join('; '))}.`,
    '',
    markdownRow([
      'Condition',
      'n',
      ...(sizes === undefined ? [] : ['Size']),
      ...table.metrics.map(({ id }) => escapeMarkdown(id)),
    ]),
    markdownRow([
      '---',
      '---:',
      ...(sizes === undefined ? [] : ['---:']),
      ...table.metrics.map(() => '---:'),
    ]),
    ...table.rows.map(({ experiment, label, n, cells }, row) =>
      markdownRow([
        `**${escapeMarkdown(label)}**`,
        String(n),
        ...(sizes === undefined ? [] : [sizes[row] ?? '']),
        ...cells.map((cell) => cellMarkdown(cell, experiment === table.baseline)),
      ]),
    ),
    '',
    ...notes.map((note) => `- ${escapeMarkdown(note)}`),
    ...detailLines(table),
  ].join('\n');
};
