/**
 * The table of a run, made for reading: a block per claim with its numbers, its verdict in words and its controls,
 * grouped by the experiment that made the evidence.
 */

import type { ClaimReport, ControlReport, RunReport } from '../claims/index.js';
import { type Layout, layoutFor } from './console-layout.js';
import { formatNumber, formatSeconds, formatThreshold, printable } from './format.js';
import { experimentTitle, groupByExperiment } from './groups.js';
import { describeDetails, describeOutcome, isSurprise } from './outcome-words.js';
import { type Style, styleFor } from './style.js';
import { cut, pad, wrapText } from './text.js';

export interface ConsoleOptions {
  /** Columns that no line of the table exceeds. Default 100. */
  readonly width?: number;
  /** Default false. */
  readonly color?: boolean;
}

type Paint = (text: string) => string;

const outcomePaint = (style: Style, outcome: ClaimReport['outcome']): Paint => {
  if (outcome === 'pass') return style.green;
  return outcome === 'inconclusive' ? style.yellow : style.red;
};

/** Cells are padded before they are painted, so that colour never moves a column. */
const joinCells = (cells: readonly { text: string; width: number; paint?: Paint | undefined }[]): string =>
  cells
    .filter(({ width }) => width > 0)
    .map(({ text, width, paint = (same) => same }) => {
      const fitted = cut(text, width);
      return paint(fitted) + ' '.repeat(Math.max(0, width - [...fitted].length));
    })
    .join('  ')
    .trimEnd();

const headerLines = (layout: Layout, level: number, style: Style): string[] => {
  const percent = `${formatNumber(level * 100, 3).replace(/\.?0+$/, '')} %`;
  const row = (name: string, estimate: string, against: string, expected: string, result: string) =>
    style.dim(
      joinCells([
        { text: name, width: layout.name },
        { text: estimate, width: layout.estimate },
        { text: against, width: layout.against },
        { text: expected, width: layout.expected },
        { text: result, width: layout.result },
      ]),
    );
  const estimate = layout.showIntervals ? `ESTIMATE [${percent}]` : 'ESTIMATE';
  return [
    row('CLAIM', estimate, 'THRESHOLD, N', 'EXPECTED', 'RESULT'),
    row('  control', '', 'claim − control', '', 'verdict'),
  ];
};

const claimLines = (claim: ClaimReport, layout: Layout, width: number, style: Style): string[] => {
  const paint = outcomePaint(style, claim.outcome);
  const row = joinCells([
    { text: printable(claim.id), width: layout.name, paint: style.bold },
    { text: layout.estimateOf(claim), width: layout.estimate },
    { text: `${formatThreshold(claim.threshold)}, n ${claim.n}`, width: layout.against },
    { text: claim.expected, width: layout.expected },
    { text: claim.outcome.toUpperCase(), width: layout.result, paint: (text) => style.bold(paint(text)) },
  ]);
  const seeds =
    claim.seedEstimates.length > 1
      ? `; by seed ${claim.seedEstimates.map((estimate) => formatNumber(estimate)).join(', ')}`
      : '';
  const expectation = layout.showExpected
    ? ''
    : `; expected to ${claim.expected === 'holds' ? 'hold' : 'break'}`;
  const details = Object.keys(claim.details).length === 0 ? '' : ` · ${describeDetails(claim)}`;
  const words = wrapText(printable(`${describeOutcome(claim)}${expectation}${seeds}${details}`), width - 2);
  const because =
    claim.verdict === 'error' && claim.error !== undefined ? wrapText(printable(claim.error), width - 4) : [];
  return [row, ...words.map((line) => `  ${paint(line)}`), ...because.map((line) => `    ${line}`)];
};

const controlLine = (control: ControlReport, layout: Layout, style: Style): string => {
  const surprise = isSurprise(control);
  return joinCells([
    { text: `  ${printable(control.id)}`, width: layout.name },
    { text: layout.estimateOf(control), width: layout.estimate },
    {
      text: layout.againstOf(control),
      width: layout.against,
      paint: control.beaten ? style.green : style.yellow,
    },
    { text: control.expected, width: layout.expected, paint: style.dim },
    {
      text: `${control.verdict.toUpperCase()}${surprise ? ' !' : ''}`,
      width: layout.result,
      paint: surprise ? style.red : style.dim,
    },
  ]);
};

/** The failing case of a property in one line that can be copied into a replay. */
export const describeCounterexample = ({ id, counterexample }: ClaimReport | ControlReport): string =>
  counterexample === undefined
    ? ''
    : printable(
        `${id}: { seed: ${counterexample.seed}, path: ${JSON.stringify(counterexample.path)} } → ${counterexample.value}`,
      );

const counterexampleLines = (report: RunReport): string[] =>
  report.claims
    .flatMap((claim) => [claim, ...claim.controls])
    .filter(({ outcome, counterexample }) => outcome === 'fail' && counterexample !== undefined)
    .map((judged) => describeCounterexample(judged));

/** `12 pass · 1 fail · 0 inconclusive · 0 error`, what is not zero in its colour. */
export const totalsLine = ({ totals }: RunReport, style: Style = styleFor(false)): string =>
  (['pass', 'fail', 'inconclusive', 'error'] as const)
    .map((outcome) => {
      const text = `${totals[outcome]} ${outcome}`;
      return totals[outcome] > 0 ? style.bold(outcomePaint(style, outcome)(text)) : style.dim(text);
    })
    .join(' · ');

const legend = (report: RunReport, width: number): string[] => {
  const controls = report.claims.flatMap((claim) => claim.controls);
  const parts = [
    controls.length > 0 ? '✓ the claim beats this control, ✗ it does not' : '',
    controls.some(isSurprise) ? '! not as the control was expected to' : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? [] : wrapText(parts.join('; '), width);
};

/**
 * The whole table as text. No line is wider than `width`, save the counterexamples below it, which stay in one piece
 * each so that they can be copied.
 */
export const renderConsole = (
  report: RunReport,
  { width = 100, color = false }: ConsoleOptions = {},
): string => {
  const style = styleFor(color);
  const layout = layoutFor(report, width);
  const { run } = report;
  const headline = [
    `dsteer ${run.dsteer}`,
    run.targets.join(', '),
    `engine ${run.engine}`,
    run.seeds.length === 0 ? '' : `seed${run.seeds.length === 1 ? '' : 's'} ${run.seeds.join(', ')}`,
  ].filter((part) => part !== '');
  const lines = wrapText(printable(headline.join(' · ')), width).map(style.bold);
  lines.push('');
  const level = report.claims[0]?.level;
  if (level !== undefined) lines.push(...headerLines(layout, level, style));
  for (const [experiment, claims] of groupByExperiment(report.claims)) {
    lines.push(
      '',
      style.cyan(pad(cut(`── ${printable(experimentTitle(experiment))} `, width), layout.total, '─')),
    );
    for (const claim of claims) {
      lines.push(...claimLines(claim, layout, width, style));
      lines.push(...claim.controls.map((control) => controlLine(control, layout, style)));
      lines.push('');
    }
    lines.pop();
  }
  lines.push('', `${totalsLine(report, style)}   in ${formatSeconds(run.seconds)}`);
  lines.push(...legend(report, width).map(style.dim));
  const counterexamples = counterexampleLines(report);
  if (counterexamples.length > 0) {
    lines.push('', style.bold('Counterexamples, to replay with fast-check:'), ...counterexamples);
  }
  return `${lines.join('\n')}\n`;
};
