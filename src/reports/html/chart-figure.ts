/** A rendered chart on the page. */

import { html, type Markup, rawMarkup } from './markup.js';

export interface RenderedChart {
  readonly id: string;
  readonly title: string;
  /** What there is to see, in a sentence or two: caption, and the description for those who cannot see it. */
  readonly description: string;
  /** An `svg` element in the page's colours, without a title of its own. */
  readonly svg: string;
  /** As wide as the page, where others stand two in a row. Default false. */
  readonly isWide?: boolean;
}

/** A figure with the chart as one image, named by its title and described by its caption; a wide one can be scrolled. */
export const chartFigure = ({ id, title, description, svg, isWide = false }: RenderedChart): Markup => {
  const drawing = html`<div class="drawing" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-text">${rawMarkup(svg)}</div>`;
  const content = isWide
    ? html`<div class="wide-drawing" role="group" tabindex="0" aria-labelledby="${id}-title">${drawing}</div>`
    : drawing;
  return html`<figure class="chart${isWide ? ' wide' : ''}"><p class="chart-title" id="${id}-title">${title}</p>${content}<figcaption id="${id}-text">${description}</figcaption></figure>`;
};
