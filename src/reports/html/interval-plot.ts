/** Estimates and intervals against a threshold, as SVG whose width the page decides. */

import type { Judgement, Threshold } from '../../claims/index.js';
import { formatEstimate, formatNumber, formatThreshold, limitOf } from '../format.js';
import { html, type Markup } from './markup.js';
import { type Scale, scaleOver } from './scale.js';

type Quantity = Pick<Judgement, 'estimate' | 'interval' | 'threshold'>;

/** The scale on which all of these, and the threshold, can be seen. */
export const scaleOf = (quantities: readonly Quantity[], further: readonly number[] = []): Scale =>
  scaleOver([
    ...quantities.flatMap(({ estimate, interval, threshold }) => [
      ...(estimate === null ? [] : [estimate]),
      ...(interval ?? []),
      limitOf(threshold),
    ]),
    ...further,
  ]);

/** The side of the threshold on which a claim holds, tinted, and the threshold itself. */
const background = (scale: Scale, threshold: Threshold): Markup => {
  const limit = limitOf(threshold);
  const holds =
    'atLeast' in threshold
      ? html`x="${scale.at(limit)}" width="${scale.between(limit, scale.upper)}"`
      : html`x="0" width="${scale.between(scale.lower, limit)}"`;
  return html`<rect class="holds-side" ${holds} y="0" height="100%"/><line class="limit" x1="${scale.at(limit)}" x2="${scale.at(limit)}" y1="0" y2="100%"/>`;
};

export type MarkShape = 'claim' | 'control' | 'companion';

const mark = (scale: Scale, estimate: number, shape: MarkShape): Markup => {
  const at = scale.at(estimate);
  if (shape === 'claim') return html`<circle class="mark" cx="${at}" cy="50%" r="5.5"/>`;
  return shape === 'control'
    ? html`<circle class="mark hollow" cx="${at}" cy="50%" r="4.5"/>`
    : html`<rect class="mark hollow" x="${at}" y="50%" width="8" height="8" transform="translate(-4 -4)"/>`;
};

const whisker = (scale: Scale, [lower, upper]: readonly [number, number]): Markup =>
  html`<line class="whisker" x1="${scale.at(lower)}" x2="${scale.at(upper)}" y1="50%" y2="50%"/>${[
    lower,
    upper,
  ].map(
    (end) =>
      html`<svg class="cap" x="${scale.at(end)}" y="50%" overflow="visible"><line class="whisker" y1="-4" y2="4"/></svg>`,
  )}`;

/** What the plot of a quantity shows, for those who cannot see it. */
const alternative = ({ estimate, interval, threshold }: Quantity): string =>
  estimate === null
    ? `not measured; threshold ${formatThreshold(threshold)}`
    : `${formatEstimate(estimate, interval, threshold)}, threshold ${formatThreshold(threshold)}`;

/** One row: an interval with its estimate over the threshold's two sides. Where nothing was measured, the sides alone. */
export const intervalPlot = (
  quantity: Quantity,
  scale: Scale,
  { shape = 'claim', tone = '' }: { readonly shape?: MarkShape; readonly tone?: string } = {},
): Markup => {
  const { estimate, interval, threshold } = quantity;
  return html`<svg class="plot ${tone}" role="img" aria-label="${alternative(quantity)}">${background(scale, threshold)}${interval === null ? undefined : whisker(scale, interval)}${estimate === null ? undefined : mark(scale, estimate, shape)}</svg>`;
};

/** Ticks of a scale with their numbers; those too near the ends for their text are left out. */
export const axis = (scale: Scale): Markup => {
  const inner = scale.ticks.filter((tick) => {
    const share = (tick - scale.lower) / (scale.upper - scale.lower);
    return share > 0.04 && share < 0.96;
  });
  const decimals = Math.max(0, ...inner.map((tick) => String(tick).split('.')[1]?.length ?? 0));
  const text = (tick: number): string => (decimals > 6 ? formatNumber(tick) : tick.toFixed(decimals));
  return html`<svg class="axis" aria-hidden="true"><line class="rule" x1="0" x2="100%" y1="0.5" y2="0.5"/>${inner.map(
    (tick) =>
      html`<line class="rule" x1="${scale.at(tick)}" x2="${scale.at(tick)}" y1="0" y2="5"/><text x="${scale.at(tick)}" y="17" text-anchor="middle">${text(tick)}</text>`,
  )}</svg>`;
};

/**
 * The claim alone against its threshold, on a scale of its own, where even a narrow interval can be seen; the estimates
 * of single training seeds as ticks below it.
 */
export const ownPlot = (claim: Judgement, tone: string): Markup => {
  const { estimate, interval, threshold, seedEstimates } = claim;
  const seeds = seedEstimates.length > 1 ? seedEstimates.filter(Number.isFinite) : [];
  const scale = scaleOf([claim], seeds);
  const limit = limitOf(threshold);
  const share = (limit - scale.lower) / (scale.upper - scale.lower);
  const anchor = share < 0.2 ? 'start' : share > 0.8 ? 'end' : 'middle';
  const told = seeds.length > 0 ? `; by seed ${seeds.map((seed) => formatNumber(seed)).join(', ')}` : '';
  return html`<svg class="own ${tone}" role="img" aria-label="${alternative(claim)}${told}">
<text class="limit-text" x="${scale.at(limit)}" y="12" text-anchor="${anchor}">${formatThreshold(threshold)}</text>
<svg y="18" height="40" width="100%">${background(scale, threshold)}${interval === null ? undefined : whisker(scale, interval)}${seeds.map(
    (seed) => html`<line class="seed" x1="${scale.at(seed)}" x2="${scale.at(seed)}" y1="31" y2="38"/>`,
  )}${estimate === null ? undefined : mark(scale, estimate, 'claim')}</svg>
<svg y="58" height="22" width="100%">${axis(scale)}</svg></svg>`;
};
