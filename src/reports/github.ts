/** What GitHub Actions shows of a run: annotations on the specifications' lines, and the job's summary. */

import { appendFile, stat } from 'node:fs/promises';
import { ResourceError } from '../base/index.js';
import type { ClaimReport, Outcome, RunReport } from '../claims/index.js';
import { missingText } from './baseline/baseline-findings.js';
import { claimSentence } from './claim-sentence.js';
import { totalsLine } from './console-table.js';
import type { WritableOutput } from './create-progress.js';
import { escapeMarkdown } from './markdown.js';
import type { Environment } from './style.js';
import { summaryMarkdown } from './summary.js';

/** GitHub shows as many annotations of one kind a step. */
const MOST_ANNOTATIONS = 10;

/** GitHub takes no more bytes of a step's summary, and shows none of what is longer. */
const SUMMARY_LIMIT = 1024 * 1024;

const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

type Kind = 'error' | 'warning';

const KIND: Readonly<Record<Outcome, Kind | undefined>> = {
  pass: undefined,
  fail: 'error',
  error: 'error',
  inconclusive: 'warning',
};

const command = (
  kind: Kind,
  properties: Readonly<Record<string, string | number>>,
  message: string,
): string => {
  const told = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  return `::${kind} ${told.join(',')}::${escapeData(message)}`;
};

/** What is told of one case, with its name for where there is no room for the rest. */
interface Annotation {
  readonly kind: Kind;
  readonly id: string;
  readonly line: string;
}

const claimAnnotation = (claim: ClaimReport): Annotation[] => {
  const { location, id, title, outcome } = claim;
  const kind = KIND[outcome];
  if (kind === undefined) return [];
  const where = location === undefined ? {} : { file: location.file, line: location.line };
  const line = command(kind, { ...where, title: `${outcome}: ${id}` }, `${title}. ${claimSentence(claim)}`);
  return [{ kind, id, line }];
};

const missingAnnotations = ({ baseline }: RunReport): Annotation[] =>
  (baseline?.missing ?? []).map((name) => {
    const file = baseline?.file ?? '';
    const line = command('error', { file, title: `missing: ${name.id}` }, missingText(name, file));
    return { kind: 'error', id: name.id, line };
  });

/**
 * Workflow commands, a line each: `::error` for fails, errors and what is missing of the baseline, `::warning` for what is
 * inconclusive.
 */
export const githubAnnotations = (report: RunReport): string[] =>
  (['error', 'warning'] as const).flatMap((kind) => {
    const all = [...report.claims.flatMap(claimAnnotation), ...missingAnnotations(report)];
    const told = all.filter((one) => one.kind === kind);
    if (told.length <= MOST_ANNOTATIONS) return told.map(({ line }) => line);
    const shown = told.slice(0, MOST_ANNOTATIONS - 1);
    const left = told.slice(shown.length).map(({ id }) => id);
    return [
      ...shown.map(({ line }) => line),
      command(kind, { title: `${left.length} more` }, left.join(', ')),
    ];
  });

/** The verdicts that are no pass, where the whole summary is too long. */
const shortSummary = (report: RunReport): string => {
  const { run, claims, baseline } = report;
  const told = claims.filter(({ outcome }) => outcome !== 'pass');
  return [
    `# dsteer: ${run.targets.map(escapeMarkdown).join(', ')}`,
    '',
    `**${totalsLine(report)}**`,
    '',
    ...told.map(
      (claim) => `- **${claim.outcome}** ${escapeMarkdown(`${claim.id}, ${claimSentence(claim)}`)}`,
    ),
    ...(baseline?.missing ?? []).map(
      (name) => `- **missing** ${escapeMarkdown(missingText(name, baseline?.file ?? ''))}`,
    ),
    '',
    'The whole summary is too long for this page: it is `summary.md` of the run.',
    '',
  ].join('\n');
};

/** Markdown for a job's summary of which `free` bytes are left; empty where not even the short form fits. */
export const githubSummary = (report: RunReport, free = SUMMARY_LIMIT): string =>
  [summaryMarkdown(report), shortSummary(report)].find((text) => Buffer.byteLength(text) <= free) ?? '';

/**
 * Tells GitHub Actions of a run, where it is the one that runs this (`GITHUB_ACTIONS`): annotations go to `stream`, and
 * the summary is appended to the file that `GITHUB_STEP_SUMMARY` names. Elsewhere it does nothing.
 *
 * @param stream standard error: workflow commands are read from both, and standard output may carry JSON
 * @throws ResourceError where the summary cannot be written
 */
export const announceToGithub = async (
  report: RunReport,
  { environment, stream }: { readonly environment: Environment; readonly stream: WritableOutput },
): Promise<void> => {
  if (environment['GITHUB_ACTIONS'] !== 'true') return;
  for (const line of githubAnnotations(report)) stream.write(`${line}\n`);
  const file = environment['GITHUB_STEP_SUMMARY'];
  if (!file) return;
  try {
    const taken = await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
    await appendFile(file, githubSummary(report, SUMMARY_LIMIT - taken));
  } catch (cause) {
    throw new ResourceError('the job summary cannot be written', {
      where: { file },
      hint: 'unset GITHUB_STEP_SUMMARY to go without one',
      cause,
    });
  }
};
