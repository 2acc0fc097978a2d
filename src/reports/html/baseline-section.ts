/** How the run stands to its baseline: nothing where it was held against none. */

import type { Outcome, RunReport } from '../../claims/index.js';
import { type BaselineFinding, baselineFindings } from '../baseline/baseline-findings.js';
import { outcomeTone } from './badge.js';
import { html, type Markup } from './markup.js';

const TONE: Readonly<Record<BaselineFinding['kind'], Outcome>> = {
  left: 'fail',
  verdict: 'fail',
  missing: 'fail',
  new: 'inconclusive',
};

export const baselineSection = (report: RunReport): Markup | undefined => {
  const found = baselineFindings(report);
  if (found === undefined) return undefined;
  const { file, counts, isBroken, findings, notes } = found;
  return html`<section id="baseline" aria-labelledby="baseline-title"><h2 id="baseline-title">Baseline</h2>
<p class="verdict-words ${outcomeTone(isBroken ? 'fail' : 'pass')}">${counts}</p>
<p class="sub">Held against <code>${file}</code>: the estimates and verdicts that were accepted of an earlier run.</p>
${
  findings.length + notes.length === 0
    ? undefined
    : html`<ul>${findings.map(
        ({ kind, title, text }) =>
          html`<li><strong class="verdict-words ${outcomeTone(TONE[kind])}">${kind}</strong> ${title}: ${text}</li>`,
      )}${notes.map((note) => html`<li class="sub">${note}</li>`)}</ul>`
}</section>`;
};
