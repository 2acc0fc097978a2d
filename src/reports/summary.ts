/** summary.md: the run as GitHub-flavoured Markdown, for a job summary or a pull request. */

import type { ClaimReport, RunReport } from '../claims/index.js';
import { describeCounterexample, totalsLine } from './console-table.js';
import { formatDifference, formatEstimate, formatNumber, formatSeconds, formatThreshold } from './format.js';
import { experimentTitle, groupByExperiment } from './groups.js';
import { describeOutcome, isSurprise } from './outcome-words.js';

/** Foreign text that Markdown and HTML leave as it is, on one line. */
export const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|#~]/g, '\\$&')
    .replace(/@/g, '@\u200b');

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const OUTCOME_SIGN = {
  pass: '✅ PASS',
  fail: '❌ FAIL',
  inconclusive: '➖ INCONCLUSIVE',
  error: '⚠️ ERROR',
} as const;

const claimRow = (claim: ClaimReport): string =>
  row([
    `**${escapeMarkdown(claim.id)}**`,
    claim.expected,
    escapeMarkdown(describeOutcome(claim)),
    formatEstimate(claim.estimate, claim.interval, claim.threshold),
    formatThreshold(claim.threshold),
    String(claim.n),
    OUTCOME_SIGN[claim.outcome],
  ]);

const controlRows = (claim: ClaimReport): string[] =>
  claim.controls.map((control) =>
    row([
      `↳ ${escapeMarkdown(control.id)}`,
      control.expected,
      `${control.verdict.toUpperCase()}${isSurprise(control) ? ' (not as expected)' : ''}`,
      formatEstimate(control.estimate, control.interval, control.threshold),
      `Δ ${formatDifference(control.difference, control.differenceInterval)}`,
      String(control.n),
      control.beaten ? '✓ beaten' : '✗ not beaten',
    ]),
  );

const claimNotes = (claim: ClaimReport): string[] => {
  const details = Object.entries(claim.details).map(
    ([name, value]) => `${escapeMarkdown(name)} ${formatNumber(value)}`,
  );
  const seeds = claim.seeds.map((seed, i) => `${seed}: ${formatNumber(claim.seedEstimates[i] ?? null)}`);
  const counterexample = describeCounterexample(claim).replaceAll('`', 'ˋ');
  return [
    `- **${escapeMarkdown(claim.id)}** (${escapeMarkdown(claim.source)}): ${escapeMarkdown(claim.statement)}`,
    `  Judged on: ${escapeMarkdown(claim.population)}. Metric: ${escapeMarkdown(claim.metric)}.`,
    claim.reason === ''
      ? ''
      : `  Expected to ${claim.expected === 'holds' ? 'hold' : 'break'}: ${escapeMarkdown(claim.reason)}`,
    claim.seedEstimates.length > 1 ? `  Estimates by seed: ${seeds.join(', ')}.` : '',
    details.length > 0 ? `  Further numbers: ${details.join(', ')}.` : '',
    counterexample === '' ? '' : `  Counterexample: \`${counterexample}\``,
    claim.error === undefined ? '' : `  Error: ${escapeMarkdown(claim.error)}`,
  ].filter((line) => line !== '');
};

const HOW_TO_READ = `## How to read this

- A **verdict** comes from the interval against the threshold, never from the estimate alone: the whole interval on the
  right side *holds*, on the wrong side *breaks*, across it is *inconclusive*.
- The **outcome** compares the verdict with the one the specification expects: a claim that is expected to break, and
  breaks, passes. A control that surprises makes its claim fail.
- Rows with ↳ are **controls**: the same quantity without the preference signal. Δ is the claim minus the control on the same
  prompts. A claim is *specific* only if it beats every control and none of them passes its threshold as well.
- Intervals are over prompts, clustered by source; training seeds are a second level of variation, listed apart.`;

/** The report as Markdown: a table per experiment with the controls under each claim, notes, and how to read them. */
export const summaryMarkdown = (report: RunReport): string => {
  const { run } = report;
  const level = report.claims[0]?.level ?? 0.95;
  const header = row([
    'Claim',
    'Expected',
    'Verdict',
    `Estimate [${Math.round(level * 1000) / 10} %]`,
    'Threshold / Δ',
    'n',
    'Outcome',
  ]);
  const tables = [...groupByExperiment(report.claims)].flatMap(([experiment, claims]) => [
    `## ${escapeMarkdown(experimentTitle(experiment))}`,
    '',
    header,
    row(['---', '---', '---', '---:', '---:', '---:', '---']),
    ...claims.flatMap((claim) => [claimRow(claim), ...controlRows(claim)]),
    '',
    ...claims.flatMap(claimNotes),
    '',
  ]);
  return [
    `# dsteer: ${run.targets.map(escapeMarkdown).join(', ')}`,
    '',
    `**${totalsLine(report)}**`,
    '',
    `dsteer ${escapeMarkdown(run.dsteer)}, engine ${escapeMarkdown(run.engine)}, seeds ${run.seeds.join(', ') || '–'}, started ${escapeMarkdown(run.startedAt)}, ${formatSeconds(run.seconds)}.`,
    '',
    ...tables,
    HOW_TO_READ,
    '',
  ].join('\n');
};
