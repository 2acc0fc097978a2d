/** What a reader wants first: every claim with its outcome, its interval and the threshold. */

import type { ClaimReport, RunReport } from '../../claims/index.js';
import { formatAgainst, formatInterval, formatThreshold, limitOf } from '../format.js';
import { groupByEvidence } from '../groups.js';
import { describeOutcome } from '../outcome-words.js';
import { badge, outcomeTone } from './badge.js';
import { intervalPlot, scaleOf } from './interval-plot.js';
import { html, type Markup } from './markup.js';

const row = (claim: ClaimReport, anchor: string): Markup => {
  const limit = limitOf(claim.threshold);
  return html`<tr>
<td class="outcome">${badge(claim.outcome)}</td>
<th scope="row"><a href="#${anchor}">${claim.title}</a><span class="sub"><code>${claim.id}</code> ${describeOutcome(claim)}</span></th>
<td class="number">${formatAgainst(claim.estimate, limit)}<span class="sub">${formatInterval(claim.interval, limit)}</span></td>
<td class="plot-cell wide-only">${intervalPlot(claim, scaleOf([claim]), { tone: outcomeTone(claim.outcome) })}</td>
<td class="number wide-only">${formatThreshold(claim.threshold)}</td>
<td class="number wide-only">${claim.n}</td>
</tr>`;
};

/** The table of all claims, a group of rows for each source of evidence. */
export const verdictTable = (report: RunReport, anchors: ReadonlyMap<ClaimReport, string>): Markup => {
  const groups = [...groupByEvidence(report.claims)].map(
    ([title, claims]) => html`<tbody>
<tr class="group"><th scope="rowgroup" colspan="6">${title}</th></tr>
${claims.map((claim) => row(claim, anchors.get(claim) ?? ''))}
</tbody>`,
  );
  return html`<table class="verdicts">
<thead><tr><th scope="col">Outcome</th><th scope="col">Claim</th><th scope="col" class="number">Estimate</th><th scope="col" class="wide-only">Interval against threshold</th><th scope="col" class="number wide-only">Threshold</th><th scope="col" class="number wide-only">n</th></tr></thead>
${groups}
</table>`;
};
