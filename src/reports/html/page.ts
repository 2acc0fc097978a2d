/** report.html: the whole run on one page that needs no network and no script. */

import { createHash } from 'node:crypto';
import type { Outcome, RunReport } from '../../claims/index.js';
import type { TextSample } from '../charts/chart-data.js';
import { formatSeconds } from '../format.js';
import { groupByEvidence } from '../groups.js';
import { outcomeTone, outcomeWord } from './badge.js';
import { baselineSection } from './baseline-section.js';
import { chartFigure, type RenderedChart } from './chart-figure.js';
import { claimAnchors } from './claim-links.js';
import { claimSection } from './claim-section.js';
import { comparisonSection } from './comparison-section.js';
import { howToRead } from './how-to-read.js';
import { html, type Markup, rawMarkup, slug } from './markup.js';
import { samplesTable } from './samples-table.js';
import { stylesheet } from './stylesheet.js';
import { verdictTable } from './verdict-table.js';

/** What was drawn of one job's evidence. */
export interface EvidenceView {
  /** Folder of the job in the run: `many-frames/seed-100`. */
  readonly job: string;
  readonly charts: readonly RenderedChart[];
  readonly samples: readonly TextSample[];
}

export interface PageCharts {
  readonly evidence: readonly EvidenceView[];
  /** Charts of comparison tables, by the table's id. */
  readonly tables: ReadonlyMap<string, readonly RenderedChart[]>;
}

/** Nothing may be loaded from anywhere, no script may run, and the one style sheet is named by its hash. */
const policyFor = (style: string): string => {
  const hash = createHash('sha256').update(style).digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
};

const OUTCOMES: readonly Outcome[] = ['pass', 'fail', 'inconclusive', 'error'];

/** How many claims came out how, as numbers and as one bar. */
const totals = ({ totals: counts, claims, baseline }: RunReport): Markup => {
  const missing = baseline?.missing.length ?? 0;
  let taken = 0;
  const parts = OUTCOMES.map((outcome) => {
    const width = claims.length === 0 ? 0 : (100 * counts[outcome]) / claims.length;
    const part = html`<rect class="${outcomeTone(outcome)}" x="${taken.toFixed(3)}%" width="${width.toFixed(3)}%" height="100%"/>`;
    taken += width;
    return counts[outcome] === 0 ? undefined : part;
  });
  return html`<ul class="totals">${OUTCOMES.map(
    (outcome) =>
      html`<li class="${outcomeTone(outcome)}${counts[outcome] === 0 ? ' none' : ''}"><b>${counts[outcome]}</b> ${outcomeWord(outcome).toLowerCase()}</li>`,
  )}${missing === 0 ? undefined : html`<li class="${outcomeTone('fail')}"><b>${missing}</b> missing</li>`}</ul><svg class="bar" aria-hidden="true">${parts}</svg>`;
};

const fact = (name: string, value: string): Markup => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const runFacts = ({ run }: RunReport): Markup =>
  html`<dl class="run">${fact('Engine', run.engine)}${fact('Training seeds', run.seeds.join(', ') || '–')}${fact('Started', run.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'))}${fact('Took', formatSeconds(run.seconds))}${fact('dsteer', run.dsteer)}</dl>`;

const evidenceSection = ({ job, charts, samples }: EvidenceView): Markup => {
  const anchor = `evidence-${slug(job)}`;
  const title = job.replace('/seed-', ', seed ');
  return html`<section id="${anchor}" aria-labelledby="${anchor}-title"><h3 id="${anchor}-title">${title}</h3><div class="charts">${charts.map(chartFigure)}</div>${samplesTable(samples, anchor)}</section>`;
};

const contents = (report: RunReport, evidence: readonly EvidenceView[]): Markup => {
  const link = (anchor: string, title: string): Markup => html`<li><a href="#${anchor}">${title}</a></li>`;
  return html`<nav aria-label="Contents"><ul>${link('verdicts', 'Verdicts')}${report.baseline === undefined ? undefined : link('baseline', 'Baseline')}${[...groupByEvidence(report.claims).keys()].map((title) => link(`group-${slug(title)}`, title))}${report.tables.map(({ id, title }) => link(`table-${slug(id)}`, title))}${evidence.length === 0 ? undefined : link('evidence', 'Evidence')}${link('reading', 'How to read this')}</ul></nav>`;
};

/**
 * The page. Every text that comes from a specification, a model or a file is escaped.
 *
 * @param drawn charts, rendered; what is missing is left out
 */
export const htmlReport = (report: RunReport, drawn: PageCharts): string => {
  const anchors = claimAnchors(report);
  const targets = report.run.targets.join(', ');
  const evidence = drawn.evidence.filter(({ charts, samples }) => charts.length + samples.length > 0);
  const groups = [...groupByEvidence(report.claims)].map(([title, claims]) => {
    const anchor = `group-${slug(title)}`;
    return html`<section id="${anchor}" aria-labelledby="${anchor}-title"><h2 id="${anchor}-title">${title}</h2>${claims.map((claim) => claimSection(claim, anchors.get(claim) ?? ''))}</section>`;
  });
  const page = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${rawMarkup(policyFor(stylesheet))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="dsteer ${report.run.dsteer}">
<title>dsteer: ${targets}</title>
<link rel="icon" href="data:,">
<style>${rawMarkup(stylesheet)}</style>
</head>
<body>
<a class="skip" href="#verdicts">Skip to the verdicts</a>
<header class="top"><p class="brand">dsteer <span>verification report</span></p><h1>${targets}</h1>${totals(report)}${runFacts(report)}</header>
${contents(report, evidence)}
<main>
<section id="verdicts" aria-labelledby="verdicts-title"><h2 id="verdicts-title">Verdicts</h2>${verdictTable(report, anchors)}</section>
${baselineSection(report)}
${groups}
${report.tables.map((table) => comparisonSection(table, drawn.tables.get(table.id) ?? []))}
${evidence.length === 0 ? undefined : html`<section id="evidence" aria-labelledby="evidence-title"><h2 id="evidence-title">Evidence</h2>${evidence.map(evidenceSection)}</section>`}
${howToRead}
</main>
<footer><p>Made by dsteer ${report.run.dsteer} from <code>report.json</code> and the evidence beside it. Claims: D-STEER, arXiv 2512.11838.</p></footer>
</body>
</html>
`;
  return page.text;
};
