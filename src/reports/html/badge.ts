/** Outcomes and verdicts as badges: sign, word and colour, so that none of them carries the meaning alone. */

import type { Outcome, Verdict } from '../../claims/index.js';
import { html, type Markup, rawMarkup } from './markup.js';

/** Class of an element whose colour tells an outcome. */
export const outcomeTone = (outcome: Outcome): string => `tone-${outcome}`;

const SIGN: Readonly<Record<Outcome, string>> = {
  pass: '<path d="M3.5 8.5 6.5 11.5 12.5 4.5"/>',
  fail: '<path d="M4 4 12 12M12 4 4 12"/>',
  inconclusive: '<path d="M3 9.5C5 5.5 7 6.5 8 8S11 10.5 13 6.5"/>',
  error: '<path d="M8 3.5V9M8 11.6V12.4"/>',
};

const WORD: Readonly<Record<Outcome, string>> = {
  pass: 'Pass',
  fail: 'Fail',
  inconclusive: 'Inconclusive',
  error: 'Error',
};

export const outcomeWord = (outcome: Outcome): string => WORD[outcome];

export const badge = (outcome: Outcome): Markup =>
  html`<span class="badge ${outcomeTone(outcome)}"><svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">${rawMarkup(SIGN[outcome])}</svg>${WORD[outcome]}</span>`;

const VERDICT: Readonly<Record<Verdict, string>> = {
  holds: 'holds',
  breaks: 'breaks',
  inconclusive: 'cannot be told',
  error: 'error',
};

export const verdictWord = (verdict: Verdict): string => VERDICT[verdict];
