/** One claim: what it says, how it came out, and its controls drawn beside it. */

import type { ClaimReport, ControlReport, Judgement } from '../../claims/index.js';
import { formatDifference, formatEstimate, formatLevel, formatNumber, formatThreshold } from '../format.js';
import { controlsByRole } from '../groups.js';
import {
  describeComparison,
  describeCorrection,
  describeOutcome,
  describeSeeds,
  detailInWords,
  isSurprise,
} from '../outcome-words.js';
import { badge, outcomeTone, verdictWord } from './badge.js';
import { axis, intervalPlot, type MarkShape, ownPlot, scaleOf } from './interval-plot.js';
import { html, type Markup } from './markup.js';
import type { Scale } from './scale.js';

const estimateText = ({ estimate, interval, threshold }: Judgement): string =>
  formatEstimate(estimate, interval, threshold);

const BESIDE: Readonly<Record<ControlReport['role'], MarkShape>> = {
  control: 'control',
  companion: 'companion',
};

const beatenText = ({ role, beaten, difference }: ControlReport): string => {
  if (role === 'companion') return 'beside it';
  if (difference === null) return '–';
  return beaten ? 'beaten' : 'not beaten';
};

/** Roles are named because on a phone the rows are no table to the layout, and browsers would take them for none at all. */
const controlRow = (control: ControlReport, scale: Scale): Markup => html`<tr role="row">
<th scope="row" role="rowheader">${control.title}<span class="sub"><code>${control.id}</code></span></th>
<td role="cell" class="plot-cell">${intervalPlot(control, scale, { shape: BESIDE[control.role] })}</td>
<td role="cell" class="number">${estimateText(control)}<span class="sub">${verdictWord(control.verdict)}, expected: ${control.expected}${isSurprise(control) ? html` <strong class="surprise">surprise</strong>` : undefined}</span></td>
<td role="cell" class="number difference">${formatDifference(control.difference, control.differenceInterval)}<span class="sub ${control.role === 'control' && !control.beaten ? 'unbeaten' : ''}">${beatenText(control)}</span></td>
</tr>${control.error === undefined ? undefined : html`<tr role="row"><td role="cell" colspan="4" class="error-text">${control.id}: ${control.error}</td></tr>`}`;

/** The claim and its controls on one scale. */
const forest = (claim: ClaimReport, anchor: string): Markup | undefined => {
  if (claim.controls.length === 0) return undefined;
  const scale = scaleOf([claim, ...claim.controls]);
  const { control, companion } = controlsByRole(claim);
  return html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${anchor}-controls"><table class="forest" role="table">
<caption id="${anchor}-controls">Beside its controls, on the same prompts</caption>
<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Policy</th><th scope="col" role="columnheader">Drawn on one scale</th><th scope="col" role="columnheader" class="number">Estimate</th><th scope="col" role="columnheader" class="number">Claim − control</th></tr></thead>
<tbody role="rowgroup"><tr role="row" class="own-row"><th scope="row" role="rowheader">The claim</th><td role="cell" class="plot-cell">${intervalPlot(claim, scale, { tone: outcomeTone(claim.outcome) })}</td><td role="cell" class="number">${estimateText(claim)}<span class="sub">${verdictWord(claim.verdict)}, expected: ${claim.expected}</span></td><td role="cell" class="number difference">–</td></tr>
${[...control, ...companion].map((one) => controlRow(one, scale))}</tbody>
<tfoot role="rowgroup"><tr role="row"><td role="cell"></td><td role="cell" class="plot-cell">${axis(scale)}</td><td role="cell" colspan="2"></td></tr></tfoot>
</table></div>`;
};

const fact = (name: string, value: string | Markup, isLong = false): Markup | undefined =>
  value === ''
    ? undefined
    : html`<div class="${isLong ? 'long' : ''}"><dt>${name}</dt><dd>${value}</dd></div>`;

const facts = (claim: ClaimReport): Markup => {
  const { location } = claim;
  return html`<dl class="facts">
${fact(`Expected to ${claim.expected === 'holds' ? 'hold' : 'break'}`, claim.reason, true)}
${fact('Judged on', claim.population, true)}
${fact('Source', claim.source)}
${fact('Compared', describeComparison(claim))}
${fact('Specific', claim.specific ? 'yes: it beats every control, and none of them passes its threshold' : 'no')}
${fact('Seeds', describeSeeds(claim) || claim.seeds.join(', '))}
${fact('Correction', describeCorrection(claim))}
${fact('Specification', location === undefined ? '' : html`<code>${location.file}:${location.line}</code>`)}
</dl>`;
};

const details = ({ details: numbers }: ClaimReport): Markup | undefined => {
  const entries = Object.entries(numbers);
  if (entries.length === 0) return undefined;
  return html`<details><summary>Further numbers</summary><dl class="numbers">${entries.map(
    ([name, value]) =>
      html`<div><dt>${detailInWords(name)}</dt><dd>${Number.isInteger(value) ? value : formatNumber(value)}</dd></div>`,
  )}</dl></details>`;
};

const counterexample = ({ counterexample: found }: ClaimReport, anchor: string): Markup | undefined =>
  found === undefined
    ? undefined
    : html`<p class="sub" id="${anchor}-counterexample">Smallest counterexample, replayed by seed ${found.seed}, path <code>${found.path}</code>:</p><pre tabindex="0" role="group" aria-labelledby="${anchor}-counterexample">${found.value}</pre>`;

/** An article with a heading of the third level. */
export const claimSection = (
  claim: ClaimReport,
  anchor: string,
): Markup => html`<article id="${anchor}" aria-labelledby="${anchor}-title" class="claim">
<header><h3 id="${anchor}-title">${claim.title}</h3>${badge(claim.outcome)}</header>
<p class="statement">${claim.statement}</p>
<div class="finding"><p class="verdict-words ${outcomeTone(claim.outcome)}">${describeOutcome(claim)}</p>
<p class="figure-of-claim"><span class="big">${estimateText(claim)}</span> <span class="sub">against ${formatThreshold(claim.threshold).replace(' ', '\u00a0')} · n ${claim.n} · ${formatLevel(claim.level)} interval · ${claim.metric}</span></p>
${ownPlot(claim, outcomeTone(claim.outcome))}</div>
${claim.error === undefined ? undefined : html`<p class="error-text">${claim.error}</p>`}
${forest(claim, anchor)}
${facts(claim)}
${counterexample(claim, anchor)}
${details(claim)}
<p class="back"><a href="#verdicts">Back to the verdicts<span class="hidden"> from ${claim.title}, ${claim.experiment ?? 'properties'}</span></a></p>
</article>`;
