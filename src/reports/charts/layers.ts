/** Layers that several charts share, and the types that keep a literal spec checked. */

import type { TopLevelSpec } from 'vega-lite';
import { palette } from './palette.js';

/** One layer of a layered spec. */
export type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

/** One panel of a concatenated spec. */
export type Panel = Extract<TopLevelSpec, { concat: unknown }>['concat'][number];

/** A dashed line at a value, in the colour of thresholds. */
export const limitLine = (channel: 'x' | 'y', value: number): Layer => ({
  data: { values: [{ value }] },
  mark: { type: 'rule', color: palette.limit.light, strokeDash: [4, 3], strokeWidth: 1.5 },
  encoding: { [channel]: { field: 'value', type: 'quantitative' } },
});

/** The name of a threshold beside its line: at the upper end of an upright one, at the left of a level one. */
export const limitName = (channel: 'x' | 'y', value: number, text: string): Layer => ({
  data: { values: [{ value, text }] },
  mark: {
    type: 'text',
    color: palette.limit.light,
    fontWeight: 600,
    baseline: 'bottom',
    ...(channel === 'x' ? { align: 'right', dx: -5, dy: 12 } : { align: 'left', dx: 4, dy: -3 }),
  },
  encoding: {
    [channel]: { field: 'value', type: 'quantitative' },
    [channel === 'x' ? 'y' : 'x']: { value: 0 },
    text: { field: 'text' },
  },
});

/** A dotted line to compare with. */
export const referenceLine = (channel: 'x' | 'y', value: number): Layer => ({
  data: { values: [{ value }] },
  mark: { type: 'rule', color: palette.muted.light, strokeDash: [2, 3] },
  encoding: { [channel]: { field: 'value', type: 'quantitative' } },
});
