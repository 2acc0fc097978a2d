/** A difference between two runs as text for a terminal. */

import { printable } from '../base/index.js';
import type { Change, ClaimChange, ClaimName, DiffSide, ReportDiff } from './diff.js';
import { formatEstimate, formatQuantity, formatThreshold } from './format.js';
import { type Style, styleFor } from './style.js';
import { wrapText } from './text.js';

const WORDS: Readonly<Record<Change, string>> = {
  verdict: 'verdict',
  outcome: 'outcome',
  estimate: 'estimate beyond the interval',
  threshold: 'threshold',
  expected: 'expectation',
  specific: 'specific or not',
};

const sideText = ({ estimate, interval, threshold, verdict }: DiffSide): string =>
  `${formatEstimate(estimate, interval, threshold)} against ${formatThreshold(threshold)}, ${verdict.toUpperCase()}`;

const outcomeText = ({ before, after }: Pick<ClaimChange, 'before' | 'after'>, style: Style): string => {
  if (before.outcome === after.outcome) return after.outcome;
  const paint =
    after.outcome === 'pass' ? style.green : after.outcome === 'inconclusive' ? style.yellow : style.red;
  return paint(`${before.outcome} → ${after.outcome}`);
};

const changedLines = (change: ClaimChange, width: number, style: Style): string[] => {
  const { id, evidence, changes, before, after, controls } = change;
  const indented = (text: string, by: number): string[] =>
    wrapText(printable(text), width - by).map((line) => ' '.repeat(by) + line);
  const moved = changes.map((one) => WORDS[one]).join(', ') || 'controls alone';
  return [
    ...wrapText(printable(`${id} (${evidence}): ${moved}`), width).map(style.bold),
    `  ${outcomeText(change, style)}`,
    ...indented(`before  ${sideText(before)}`, 2),
    ...indented(`after   ${sideText(after)}`, 2),
    ...controls.flatMap((control) =>
      indented(`control ${control.id}: ${sideText(control.before)} → ${sideText(control.after)}`, 4),
    ),
  ];
};

const nameLines = (sign: string, names: readonly ClaimName[], width: number): string[] =>
  names.flatMap(({ id, evidence }) => wrapText(printable(`${sign} ${id} (${evidence})`), width));

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;

/** Lines of at most `width` columns (default 100): what is new, gone and moved, then a line of totals. */
export const renderDiff = (
  { added, removed, changed, unchanged, cells }: ReportDiff,
  { width = 100, color = false }: { readonly width?: number; readonly color?: boolean } = {},
): string => {
  const style = styleFor(color);
  const cellLines = cells.flatMap(({ table, label, metric, before, after }) =>
    wrapText(
      printable(
        `${table}, ${label}, ${metric}: ${formatQuantity(before.estimate, before.interval)} → ${formatQuantity(after.estimate, after.interval)}`,
      ),
      width,
    ),
  );
  const blocks = [
    [...nameLines('+', added, width).map(style.green), ...nameLines('-', removed, width).map(style.red)],
    ...changed.map((change) => changedLines(change, width, style)),
    cellLines,
    wrapText(
      [
        count(changed.length, 'claim moved', 'claims moved'),
        `${unchanged} did not`,
        `${added.length} new`,
        `${removed.length} gone`,
        count(cells.length, 'cell of a table moved', 'cells of tables moved'),
      ].join(' · '),
      width,
    ),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
};
