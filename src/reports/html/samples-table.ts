/** What base, steered base, policy and inverted policy write after the same prompt, side by side. */

import type { TextSample } from '../charts/chart-data.js';
import { formatFactor } from '../format.js';
import { html, type Markup } from './markup.js';

const cell = (text: string | undefined, isDegenerate = false): Markup =>
  text === undefined
    ? html`<td>–</td>`
    : html`<td><bdi>${text === '' ? html`<i>nothing</i>` : text}</bdi>${isDegenerate ? html` <span class="sub">degenerate</span>` : undefined}</td>`;

/** Nothing where there are no samples. */
export const samplesTable = (samples: readonly TextSample[], anchor: string): Markup | undefined => {
  const [first] = samples;
  if (first === undefined) return undefined;
  const id = `${anchor}-samples`;
  return html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${id}"><table class="samples">
<caption id="${id}">What they write after the same prompt</caption>
<thead><tr><th scope="col">Prompt</th><th scope="col">Base</th><th scope="col">Base + ${formatFactor(first.steeredLambda)} v*</th><th scope="col">Policy</th><th scope="col">Policy − ${formatFactor(Math.abs(first.invertedLambda))} v*</th></tr></thead>
<tbody>${samples.map(
    ({ prompt, base, steered, policy, inverted, degenerate = [] }) =>
      html`<tr><th scope="row"><bdi>${prompt}</bdi></th>${cell(base, degenerate.includes('base'))}${cell(steered, degenerate.includes('steered'))}${cell(policy, degenerate.includes('policy'))}${cell(inverted, degenerate.includes('inverted'))}</tr>`,
  )}</tbody></table></div>`;
};
