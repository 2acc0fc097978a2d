/** Comparison tables: conditions in rows, metrics in columns, each with its difference to the baseline. */

import type { ComparisonCell, ComparisonTable } from '../../claims/index.js';
import {
  baselineLabel,
  COMPARISON_LEVEL,
  cellErrors,
  commonSeeds,
  differenceText,
  excludesZero,
  marksInWords,
  parametersOf,
} from '../comparison-cells.js';
import { formatLevel, formatNumber } from '../format.js';
import { chartFigure, type RenderedChart } from './chart-figure.js';
import { html, type Markup, slug } from './markup.js';

const cellMarkup = (cell: ComparisonCell, isBaseline: boolean): Markup => {
  if (cell.error !== undefined) return html`<td class="number">error</td>`;
  const { estimate, interval } = cell;
  const range = interval === null ? '' : `[${formatNumber(interval[0])}, ${formatNumber(interval[1])}]`;
  const difference = isBaseline
    ? html`<span class="sub">baseline</span>`
    : html`<span class="sub ${excludesZero(cell) ? 'clear' : ''}">Δ ${differenceText(cell, false)}</span>`;
  return html`<td class="number">${formatNumber(estimate)}<span class="sub">${range}</span>${difference}</td>`;
};

/** A section with its table, drawn where there are charts of it. */
export const comparisonSection = (table: ComparisonTable, charts: readonly RenderedChart[]): Markup => {
  const anchor = `table-${slug(table.id)}`;
  const sizes = parametersOf(table);
  const told = [
    `Δ: difference to ${baselineLabel(table)}`,
    `${formatLevel(COMPARISON_LEVEL)} intervals`,
    commonSeeds(table),
    ...marksInWords(table),
  ].filter((part) => part !== '');
  const notes = cellErrors(table);
  return html`<section id="${anchor}" aria-labelledby="${anchor}-title"><h2 id="${anchor}-title">${table.title}</h2>
<p class="sub">${told.join('; ')}.</p>
<div class="scroll" role="group" tabindex="0" aria-labelledby="${anchor}-title"><table class="comparison">
<thead><tr><th scope="col">Condition</th><th scope="col" class="number">n</th>${sizes === undefined ? undefined : html`<th scope="col" class="number">Size</th>`}${table.metrics.map(
    ({ id, title }) => html`<th scope="col" class="number">${id}<span class="sub">${title}</span></th>`,
  )}</tr></thead>
<tbody>${table.rows.map(
    ({ experiment, label, n, cells }, index) =>
      html`<tr><th scope="row">${label}</th><td class="number">${n}</td>${sizes === undefined ? undefined : html`<td class="number">${sizes[index]}</td>`}${cells.map((cell) => cellMarkup(cell, experiment === table.baseline))}</tr>`,
  )}</tbody></table></div>
${notes.length === 0 ? undefined : html`<ul class="error-text">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
<div class="charts">${charts.map(chartFigure)}</div></section>`;
};
