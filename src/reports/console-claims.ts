/** A block per claim for the console: its numbers, its verdict in words, and its controls. */

import { printable } from '../base/index.js';
import type { ClaimReport, ControlReport, RunReport } from '../claims/index.js';
import { joinCells, outcomePaint } from './console-cells.js';
import { type Layout, layoutFor } from './console-layout.js';
import { formatLevel, formatThreshold } from './format.js';
import { controlsByRole, groupByEvidence } from './groups.js';
import {
  describeComparison,
  describeCorrection,
  describeDetails,
  describeOutcome,
  describeSeeds,
  isSurprise,
} from './outcome-words.js';
import type { Style } from './style.js';
import { cut, pad, wrapText } from './text.js';

const headerLines = (layout: Layout, level: number, style: Style): string[] => {
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
  const estimate = layout.showIntervals ? `ESTIMATE [${formatLevel(level)}]` : 'ESTIMATE';
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
  const expectation = layout.showExpected
    ? ''
    : `expected to ${claim.expected === 'holds' ? 'hold' : 'break'}`;
  const said = [describeOutcome(claim), expectation, describeSeeds(claim), describeCorrection(claim)];
  const told = [
    said.filter((part) => part !== '').join('; '),
    describeComparison(claim),
    describeDetails(claim),
  ].filter((part) => part !== '');
  const words = wrapText(printable(told.join(' · ')), width - 2);
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
      paint: control.role === 'companion' ? style.dim : control.beaten ? style.green : style.yellow,
    },
    { text: control.expected, width: layout.expected, paint: style.dim },
    {
      text: `${control.verdict.toUpperCase()}${surprise ? ' !' : ''}`,
      width: layout.result,
      paint: surprise ? style.red : style.dim,
    },
  ]);
};

/** Controls first, then what is shown beside the claim. */
const besideLines = (claim: ClaimReport, layout: Layout, style: Style): string[] => {
  const { control, companion } = controlsByRole(claim);
  return [
    ...control.map((one) => controlLine(one, layout, style)),
    ...(companion.length > 0 ? [style.dim('  beside it')] : []),
    ...companion.map((one) => controlLine(one, layout, style)),
  ];
};

/** Every claim of the run under the heading of its evidence; no lines where there are none. */
export const claimBlocks = (report: RunReport, width: number, style: Style): string[] => {
  const level = report.claims[0]?.level;
  if (level === undefined) return [];
  const layout = layoutFor(report, width);
  const lines = headerLines(layout, level, style);
  for (const [title, claims] of groupByEvidence(report.claims)) {
    lines.push('', style.cyan(pad(cut(`── ${printable(title)} `, width), layout.total, '─')));
    for (const claim of claims) {
      lines.push(...claimLines(claim, layout, width, style), ...besideLines(claim, layout, style), '');
    }
    lines.pop();
  }
  return lines;
};
