/** A run as text for a terminal: claims, comparison tables, totals, and what it takes to replay a counterexample. */

import { printable } from '../base/index.js';
import type { RunReport } from '../claims/index.js';
import { baselineLines } from './baseline/baseline-console.js';
import { outcomePaint } from './console-cells.js';
import { claimBlocks } from './console-claims.js';
import { comparisonLines } from './console-comparisons.js';
import { describeCounterexample } from './counterexample.js';
import { formatEstimate, formatSeconds, formatThreshold } from './format.js';
import { groupTitle } from './groups.js';
import { describeOutcome, isSurprise } from './outcome-words.js';
import { type Style, styleFor } from './style.js';
import { cut, pad, wrapText } from './text.js';

export interface ConsoleOptions {
  /** Columns that no line of the table exceeds. Default 100. */
  readonly width?: number;
  /** Default false. */
  readonly color?: boolean;
}

const counterexampleLines = (report: RunReport): string[] =>
  report.claims
    .flatMap((claim) => [claim, ...claim.controls])
    .filter(({ outcome, counterexample }) => outcome === 'fail' && counterexample !== undefined)
    .map((judged) => describeCounterexample(judged));

/** `12 pass · 1 fail · 0 inconclusive · 0 error`, and `2 missing` of the baseline; what is not zero in its colour. */
export const totalsLine = ({ totals, baseline }: RunReport, style: Style = styleFor(false)): string => {
  const missing = baseline?.missing.length ?? 0;
  return [
    ...(['pass', 'fail', 'inconclusive', 'error'] as const).map((outcome) => {
      const text = `${totals[outcome]} ${outcome}`;
      return totals[outcome] > 0 ? style.bold(outcomePaint(style, outcome)(text)) : style.dim(text);
    }),
    ...(missing === 0 ? [] : [style.bold(style.red(`${missing} missing`))]),
  ].join(' · ');
};

const legend = (report: RunReport, width: number): string[] => {
  const controls = report.claims.flatMap((claim) => claim.controls);
  const parts = [
    controls.some(({ role }) => role === 'control') ? '✓ the claim beats this control, ✗ it does not' : '',
    controls.some(({ role }) => role === 'companion') ? 'beside it: claim − companion, not to be beaten' : '',
    controls.some(isSurprise) ? '! not as the control was expected to' : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? [] : wrapText(parts.join('; '), width);
};

const headlineLines = ({ run }: RunReport, width: number, style: Style): string[] => {
  const parts = [
    `dsteer ${run.dsteer}`,
    run.targets.join(', '),
    `engine ${run.engine}`,
    run.seeds.length === 0 ? '' : `seed${run.seeds.length === 1 ? '' : 's'} ${run.seeds.join(', ')}`,
  ].filter((part) => part !== '');
  return wrapText(printable(parts.join(' · ')), width).map(style.bold);
};

const closingLines = (report: RunReport, style: Style): string[] => {
  const counterexamples = counterexampleLines(report);
  return counterexamples.length === 0
    ? []
    : ['', style.bold('Counterexamples, to replay with fast-check:'), ...counterexamples];
};

/** On one line where it fits. */
const timedTotals = (report: RunReport, width: number, style: Style): string[] => {
  const time = `in ${formatSeconds(report.run.seconds)}`;
  const fits = totalsLine(report).length + time.length + 3 <= width;
  return fits ? [`${totalsLine(report, style)}   ${time}`] : [totalsLine(report, style), time];
};

/** Blocks of lines with a blank line between them; empty blocks leave none. */
const joinBlocks = (blocks: readonly (readonly string[])[]): string =>
  `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;

/**
 * The whole run as text. No line is wider than `width`, save the counterexamples below it, which stay in one piece
 * each so that they can be copied.
 */
export const renderConsole = (
  report: RunReport,
  { width = 100, color = false }: ConsoleOptions = {},
): string => {
  const style = styleFor(color);
  return joinBlocks([
    headlineLines(report, width, style),
    claimBlocks(report, width, style),
    ...report.tables.map((table) => comparisonLines(table, width, style)),
    [...timedTotals(report, width, style), ...legend(report, width).map(style.dim)],
    baselineLines(report, width, style),
    closingLines(report, style),
  ]);
};

const verdictLines = ({ claims }: RunReport, width: number, style: Style): string[] => {
  const outcomeWidth = Math.max(0, ...claims.map(({ outcome }) => outcome.length));
  return claims.map((claim) => {
    const outcome = pad(claim.outcome.toUpperCase(), outcomeWidth);
    const numbers = formatEstimate(claim.estimate, claim.interval, claim.threshold);
    const told = `${claim.id} (${groupTitle(claim)}): ${numbers} against ${formatThreshold(claim.threshold)}, ${describeOutcome(claim)}`;
    return `${outcomePaint(style, claim.outcome)(outcome)}  ${cut(printable(told), width - outcomeWidth - 2)}`;
  });
};

/** A run by its comparison tables: they come first, then each verdict in one line. Widths as in `renderConsole`. */
export const renderComparison = (
  report: RunReport,
  { width = 100, color = false }: ConsoleOptions = {},
): string => {
  const style = styleFor(color);
  return joinBlocks([
    headlineLines(report, width, style),
    ...report.tables.map((table) => comparisonLines(table, width, style)),
    [...verdictLines(report, width, style), '', ...timedTotals(report, width, style)],
    closingLines(report, style),
  ]);
};
