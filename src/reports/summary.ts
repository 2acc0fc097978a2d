/** summary.md: the run as GitHub-flavoured Markdown, for a job summary or a pull request. */

import type { ClaimReport, ControlReport, RunReport } from '../claims/index.js';
import { baselineFindings } from './baseline/baseline-findings.js';
import { comparisonMarkdown } from './comparison-markdown.js';
import { totalsLine } from './console-table.js';
import { describeCounterexample } from './counterexample.js';
import {
  formatDifference,
  formatEstimate,
  formatLevel,
  formatNumber,
  formatSeconds,
  formatThreshold,
} from './format.js';
import { controlsByRole, groupByEvidence } from './groups.js';
import { escapeMarkdown, markdownRow } from './markdown.js';
import { describeComparison, describeCorrection, describeOutcome, isSurprise } from './outcome-words.js';

const OUTCOME_SIGN = {
  pass: '✅ PASS',
  fail: '❌ FAIL',
  inconclusive: '➖ INCONCLUSIVE',
  error: '⚠️ ERROR',
} as const;

const claimRow = (claim: ClaimReport): string =>
  markdownRow([
    `**${escapeMarkdown(claim.id)}**`,
    claim.expected,
    escapeMarkdown(describeOutcome(claim)),
    formatEstimate(claim.estimate, claim.interval, claim.threshold),
    formatThreshold(claim.threshold),
    String(claim.n),
    OUTCOME_SIGN[claim.outcome],
  ]);

const BESIDE_SIGN = { control: '↳', companion: '∥ beside it:' } as const;

const controlRow = (control: ControlReport): string =>
  markdownRow([
    `${BESIDE_SIGN[control.role]} ${escapeMarkdown(control.id)}`,
    control.expected,
    `${control.verdict.toUpperCase()}${isSurprise(control) ? ' (not as expected)' : ''}`,
    formatEstimate(control.estimate, control.interval, control.threshold),
    `Δ ${formatDifference(control.difference, control.differenceInterval)}`,
    String(control.n),
    control.role === 'companion' ? '' : control.beaten ? '✓ beaten' : '✗ not beaten',
  ]);

const controlRows = (claim: ClaimReport): string[] => {
  const { control, companion } = controlsByRole(claim);
  return [...control, ...companion].map(controlRow);
};

const claimNotes = (claim: ClaimReport): string[] => {
  const details = Object.entries(claim.details).map(
    ([name, value]) => `${escapeMarkdown(name)} ${formatNumber(value)}`,
  );
  const seeds = claim.seeds.map((seed, i) => `${seed}: ${formatNumber(claim.seedEstimates[i] ?? null)}`);
  const spread = claim.seedSd === null ? '' : ` (SD over seeds ${formatNumber(claim.seedSd)})`;
  const comparison = describeComparison(claim);
  const correction = describeCorrection(claim);
  const counterexample = describeCounterexample(claim).replaceAll('`', 'ˋ');
  return [
    `- **${escapeMarkdown(claim.id)}** (${escapeMarkdown(claim.source)}): ${escapeMarkdown(claim.statement)}`,
    `  Judged on: ${escapeMarkdown(claim.population)}. Metric: ${escapeMarkdown(claim.metric)}.`,
    comparison === '' ? '' : `  Compared: ${escapeMarkdown(comparison)}.`,
    claim.reason === ''
      ? ''
      : `  Expected to ${claim.expected === 'holds' ? 'hold' : 'break'}: ${escapeMarkdown(claim.reason)}`,
    claim.seedEstimates.length > 1 ? `  Estimates by seed: ${seeds.join(', ')}${spread}.` : '',
    correction === '' ? '' : `  After correction for many claims: ${correction}.`,
    details.length > 0 ? `  Further numbers: ${details.join(', ')}.` : '',
    counterexample === '' ? '' : `  Counterexample: \`${counterexample}\``,
    claim.error === undefined ? '' : `  Error: ${escapeMarkdown(claim.error)}`,
  ].filter((line) => line !== '');
};

const baselineSection = (report: RunReport): string[] => {
  const found = baselineFindings(report);
  if (found === undefined) return [];
  return [
    '## Baseline',
    '',
    `${found.isBroken ? '❌' : '✅'} ${escapeMarkdown(found.file)}: ${found.counts}`,
    '',
    ...found.findings.map(
      ({ kind, title, text }) => `- **${kind}** ${escapeMarkdown(title)}: ${escapeMarkdown(text)}`,
    ),
    ...found.notes.map((note) => `- ${escapeMarkdown(note)}`),
    '',
  ];
};

const HOW_TO_READ = `## How to read this

- A **verdict** comes from the interval against the threshold, never from the estimate alone: the whole interval on the
  right side *holds*, on the wrong side *breaks*, across it is *inconclusive*.
- The **outcome** compares the verdict with the one the specification expects: a claim that is expected to break, and
  breaks, passes. A control that surprises makes its claim fail.
- Rows with ↳ are **controls**: the same quantity without the preference signal. Δ is the claim minus the control on the same
  prompts. A claim is *specific* only if it beats every control and none of them passes its threshold as well.
- Rows with ∥ are **companions**: shown beside the claim (a relative, or an upper bound), not to be beaten.
- Intervals are over prompts, clustered by source; training seeds are a second level of variation, listed apart.
- **Adjusted p** is corrected for the number of claims in the run, by Holm for headline claims and by Benjamini and
  Hochberg for screens; a verdict that does not survive it is inconclusive.`;

/** The report as Markdown: a table per experiment with the controls under each claim, notes, and how to read them. */
export const summaryMarkdown = (report: RunReport): string => {
  const { run } = report;
  const level = report.claims[0]?.level ?? 0.95;
  const header = markdownRow([
    'Claim',
    'Expected',
    'Verdict',
    `Estimate [${formatLevel(level)}]`,
    'Threshold / Δ',
    'n',
    'Outcome',
  ]);
  const tables = [...groupByEvidence(report.claims)].flatMap(([title, claims]) => [
    `## ${escapeMarkdown(title)}`,
    '',
    header,
    markdownRow(['---', '---', '---', '---:', '---:', '---:', '---']),
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
    ...baselineSection(report),
    ...tables,
    ...report.tables.flatMap((table) => [comparisonMarkdown(table), '']),
    HOW_TO_READ,
    '',
  ].join('\n');
};
