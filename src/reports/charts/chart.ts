/** A chart before it is drawn: a vega-lite spec with the words beside it. */

import type { TopLevelSpec } from 'vega-lite';
import { palette } from './palette.js';

export interface Chart {
  /** Letters, digits and hyphens; unique within its job or table. */
  readonly id: string;
  readonly title: string;
  /** What there is to see: caption, and the description for those who cannot see it. */
  readonly description: string;
  readonly spec: TopLevelSpec;
  /** As wide as the page. Default false. */
  readonly isWide?: boolean;
}

/** Widths of drawings in pixels; the page scales them. */
export const NARROW = 460;
export const WIDE = 860;
export const HEIGHT = 280;

/** Axes and legends lie within the given width, so that text is equally large in all drawings. */
export const FIT = { type: 'fit', contains: 'padding' } as const;

/** Without a canvas vega takes this for the width of a letter, and the rest for a symbol with its gaps. */
const [LETTER, SYMBOL] = [0.8 * 12, 34];

/**
 * A legend of lines over a narrow drawing: in as many columns as it has room for, and in full colour however faintly the
 * lines are drawn.
 */
export const lineLegend = (labels: readonly string[]) => {
  const widthIn = (columns: number): number =>
    Array.from({ length: columns }, (_, column) =>
      Math.max(
        ...labels.filter((_, i) => i % columns === column).map(({ length }) => SYMBOL + LETTER * length),
      ),
    ).reduce((sum, width) => sum + width, 0);
  let columns = labels.length;
  while (columns > 1 && widthIn(columns) > NARROW - 60) columns--;
  return { symbolType: 'stroke', symbolOpacity: 1, columns } as const;
};

export const VEGA_LITE_SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json';

const { ink, muted, line, paper, policy } = palette;

/** How all charts look. Drawings carry no ARIA of their own: the figure around them is one image with a description. */
export const chartConfig = {
  aria: false,
  background: 'transparent',
  padding: 4,
  font: 'sans-serif',
  view: { stroke: null },
  axis: {
    domainColor: line.light,
    gridColor: line.light,
    tickColor: line.light,
    labelColor: muted.light,
    titleColor: muted.light,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    labelPadding: 6,
    labelLimit: 240,
  },
  axisX: { grid: false },
  legend: {
    orient: 'top',
    title: null,
    labelColor: ink.light,
    labelFontSize: 12,
    symbolStrokeWidth: 2.5,
    symbolSize: 90,
    labelLimit: 320,
    columnPadding: 18,
    rowPadding: 5,
    offset: 6,
  },
  header: { labelColor: ink.light, titleColor: muted.light, labelFontSize: 12 },
  title: { color: ink.light, fontSize: 12.5, fontWeight: 600, anchor: 'start', offset: 8 },
  text: { color: ink.light, fontSize: 12 },
  line: { strokeWidth: 2, color: policy.light },
  point: { filled: true, size: 42, color: policy.light },
  bar: { color: policy.light, stroke: paper.light, strokeWidth: 0.5 },
  rule: { color: muted.light },
} as const;
