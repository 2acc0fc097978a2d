/** A baseline's comparison, and a baseline's update, as text for a terminal. */

import { printable } from '../../base/index.js';
import type { AcceptedCase, RunReport } from '../../claims/index.js';
import { caseTitle } from '../groups.js';
import { formatBand } from '../outcome-words.js';
import { type Style, styleFor } from '../style.js';
import { wrapText } from '../text.js';
import { baselineFindings } from './baseline-findings.js';
import type { BaselineChange, BaselineUpdate } from './update-baseline.js';

const indented = (text: string, width: number, by: number): string[] =>
  wrapText(printable(text), width - by).map((line) => ' '.repeat(by) + line);

/** Lines of at most `width` columns; none of a run that was held against no baseline. */
export const baselineLines = (report: RunReport, width: number, style: Style): string[] => {
  const found = baselineFindings(report);
  if (found === undefined) return [];
  const { file, counts, isBroken, findings, notes } = found;
  const paint = isBroken ? style.red : style.green;
  return [
    ...wrapText(printable(`Baseline ${file}: ${counts}`), width).map(paint),
    ...findings.flatMap(({ kind, title, text }) => indented(`${kind} ${title}: ${text}`, width, 2)),
    ...notes.flatMap((note) => indented(`note: ${note}`, width, 2).map(style.dim)),
    ...(isBroken ? indented('→ --update-baseline accepts what this run found', width, 2).map(style.dim) : []),
  ];
};

const entryText = ({ verdict, estimate, band }: AcceptedCase): string =>
  `${verdict.toUpperCase()} ${estimate} in ${formatBand(band)}`;

const changeText = (change: BaselineChange): string => {
  switch (change.kind) {
    case 'added':
      return `+ ${caseTitle(change.after)}: ${entryText(change.after)}`;
    case 'removed':
      return `- ${caseTitle(change.before)}: ${entryText(change.before)}`;
    case 'rewritten':
      return `~ ${caseTitle(change.after)}: ${entryText(change.before)} → ${entryText(change.after)}`;
    case 'unjudged':
      return `! ${caseTitle(change.name)}: it could not be judged, and an error is not accepted`;
  }
};

const count = (changes: readonly BaselineChange[], kind: BaselineChange['kind']): number =>
  changes.filter((change) => change.kind === kind).length;

/** What an update changed, a line each, then a line of totals. */
export const renderBaselineUpdate = (
  { changes, unchanged }: BaselineUpdate,
  file: string,
  { width = 100, color = false }: { readonly width?: number; readonly color?: boolean } = {},
): string => {
  const style = styleFor(color);
  const paints = { added: style.green, removed: style.red, rewritten: style.yellow, unjudged: style.red };
  return [
    ...changes.flatMap((change) => wrapText(printable(changeText(change)), width).map(paints[change.kind])),
    ...wrapText(
      printable(
        `Baseline ${file}: ${count(changes, 'added')} added · ${count(changes, 'rewritten')} rewritten · ${count(changes, 'removed')} removed · ${unchanged} unchanged`,
      ),
      width,
    ),
    '',
  ].join('\n');
};
