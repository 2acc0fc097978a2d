/** Which columns of the console table fit a width: the richest of a few layouts, then names cut short. */

import type { ClaimReport, ControlReport, Judgement, RunReport } from '../claims/index.js';
import { formatDifference, formatEstimate, formatThreshold } from './format.js';
import { isSurprise } from './outcome-words.js';
import { widest } from './text.js';

export interface Layout {
  readonly name: number;
  readonly estimate: number;
  readonly against: number;
  readonly expected: number;
  readonly result: number;
  /** Sum of the columns and the two blanks between each. */
  readonly total: number;
  readonly showIntervals: boolean;
  /** Where there is no room for a column of expectations, each claim tells its own in words. */
  readonly showExpected: boolean;
  estimateOf(judged: Judgement): string;
  /** What stands in a control's row under the claim's threshold: beaten or not, and by how much. */
  againstOf(control: ControlReport): string;
}

/** How much a layout says, from most to least. */
interface Detail {
  readonly words: boolean;
  readonly differenceIntervals: boolean;
  readonly intervals: boolean;
  readonly expected: boolean;
}

const RICHEST: Detail = { words: true, differenceIntervals: true, intervals: true, expected: true };

const POOREST: Detail = { words: false, differenceIntervals: false, intervals: false, expected: false };

const DETAILS: readonly Detail[] = [
  RICHEST,
  { ...RICHEST, words: false },
  { ...RICHEST, differenceIntervals: false },
  { ...RICHEST, words: false, differenceIntervals: false },
  { ...RICHEST, words: false, differenceIntervals: false, expected: false },
  POOREST,
];

/** Names may be cut to this before a poorer layout is tried. */
const SHORT_NAME = 20;
const GAP = 2;

/** A companion is there to be looked at, not to be beaten. */
const beatenText = ({ beaten, role }: ControlReport, words: boolean): string => {
  if (role === 'companion') return ' ';
  if (!words) return beaten ? '✓' : '✗';
  return beaten ? '✓ beaten' : '✗ not beaten';
};

const measure = (claims: readonly ClaimReport[], detail: Detail): Layout => {
  const controls = claims.flatMap((claim) => claim.controls);
  const estimateOf = ({ estimate, interval, threshold }: Judgement): string =>
    formatEstimate(estimate, detail.intervals ? interval : null, threshold);
  const markWidth =
    detail.words && controls.some(({ beaten, role }) => role === 'control' && !beaten) ? 12 : 8;
  const againstOf = (control: ControlReport): string => {
    const mark = beatenText(control, detail.words);
    const interval = detail.differenceIntervals ? control.differenceInterval : null;
    const difference = formatDifference(control.difference, interval);
    return `${detail.words ? mark.padEnd(markWidth) : mark} ${difference}`;
  };
  const name = widest([
    'CLAIM',
    '  control',
    ...claims.map(({ id }) => id),
    ...controls.map(({ id }) => `  ${id}`),
  ]);
  const estimate = widest([
    detail.intervals ? 'ESTIMATE [95 %]' : 'ESTIMATE',
    ...[...claims, ...controls].map(estimateOf),
  ]);
  const against = widest([
    'claim − control',
    ...claims.map(({ threshold, n }) => `${formatThreshold(threshold)}, n ${n}`),
    ...controls.map(againstOf),
  ]);
  const expected = detail.expected ? 'EXPECTED'.length : 0;
  const result = widest([
    'verdict',
    ...claims.map(({ outcome }) => outcome),
    ...controls.map((control) => `${control.verdict}${isSurprise(control) ? ' !' : ''}`),
  ]);
  const columns = [name, estimate, against, expected, result].filter((column) => column > 0);
  return {
    name,
    estimate,
    against,
    expected,
    result,
    total: columns.reduce((sum, column) => sum + column + GAP, -GAP),
    showIntervals: detail.intervals,
    showExpected: detail.expected,
    estimateOf,
    againstOf,
  };
};

/** Takes what is too much from the names, then from the columns that matter least. */
const squeeze = (layout: Layout, width: number): Layout => {
  let excess = Math.max(0, layout.total - width);
  const take = (column: number, least: number): number => {
    const taken = Math.min(excess, Math.max(0, column - least));
    excess -= taken;
    return column - taken;
  };
  const name = take(layout.name, 9);
  const against = take(layout.against, 8);
  const result = take(layout.result, 4);
  const estimate = take(layout.estimate, 5);
  return { ...layout, name, estimate, against, result, total: Math.min(layout.total, width) };
};

/** The richest layout that fits `width` columns, cutting names down to some twenty characters before saying less. */
export const layoutFor = ({ claims }: RunReport, width: number): Layout => {
  const layouts = DETAILS.map((detail) => measure(claims, detail));
  const whole = layouts.find(({ total }) => total <= width);
  if (whole?.showIntervals) return whole;
  const fits = (layout: Layout): boolean => layout.total - Math.max(0, layout.name - SHORT_NAME) <= width;
  const chosen = layouts.find(fits) ?? measure(claims, POOREST);
  return squeeze(chosen, width);
};
