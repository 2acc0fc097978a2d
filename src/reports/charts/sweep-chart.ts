/** What becomes of behaviour as λ grows: a panel a quantity, with the ceiling of the vector. */

import { formatFactor } from '../format.js';
import { type Chart, VEGA_LITE_SCHEMA, WIDE } from './chart.js';
import type { ChartData, SweepPoint } from './chart-data.js';
import { type Layer, limitLine, type Panel } from './layers.js';
import { palette } from './palette.js';

const QUANTITIES = [
  ['margin', 'mean margin, nats'],
  ['accuracy', 'prefers the chosen answer'],
  ['bleu', 'BLEU against the policy'],
  ['toxicity', 'toxicity'],
  ['perplexity', 'perplexity under the base'],
  ['degenerate', 'share of degenerate texts'],
] as const satisfies readonly (readonly [keyof SweepPoint, string])[];

const COLUMNS = 3;

const color = palette.steered.light;

const intervalBand: Layer = {
  mark: { type: 'area', opacity: 0.2, color },
  encoding: {
    x: { field: 'lambda', type: 'quantitative' },
    y: { field: 'lower', type: 'quantitative' },
    y2: { field: 'upper' },
  },
};

/** Panels of what was measured at two λ or more; nothing where none was. */
export const sweepChart = ({
  points,
  ceiling = null,
  n,
}: NonNullable<ChartData['sweep']>): Chart | undefined => {
  const measured = QUANTITIES.flatMap(([key, title]) => {
    const values = points.flatMap((point) => {
      const value = point[key];
      if (typeof value !== 'number') return [];
      const interval = key === 'margin' ? point.marginInterval : undefined;
      return [
        {
          lambda: point.lambda,
          value,
          ...(interval === undefined ? {} : { lower: interval[0], upper: interval[1] }),
        },
      ];
    });
    return values.length < 2 ? [] : [{ key, title, values }];
  });
  if (measured.length === 0) return undefined;
  const lambdas = measured.flatMap(({ values }) => values.map(({ lambda }) => lambda));
  const domain = [Math.min(...lambdas), Math.max(...lambdas, ceiling ?? Number.NEGATIVE_INFINITY)];
  const columns = Math.min(COLUMNS, measured.length);
  const width = Math.round((WIDE - 60 * columns) / columns);
  const panels = measured.map(
    ({ title, values }): Panel => ({
      // Over the plot, wherever the labels of its axis begin.
      title: { text: title, frame: 'group', offset: 12 },
      width,
      height: 150,
      data: { values },
      layer: [
        ...(values.some((row) => 'lower' in row) ? [intervalBand] : []),
        {
          mark: { type: 'line', point: { size: 28, color }, color },
          encoding: {
            x: {
              field: 'lambda',
              type: 'quantitative',
              title: 'λ',
              scale: { domain, nice: false },
              axis: { tickCount: 5 },
            },
            y: {
              field: 'value',
              type: 'quantitative',
              title: null,
              scale: { zero: false },
              axis: { tickCount: 4, minExtent: 34 },
            },
          },
        },
        ...(ceiling === null ? [] : [limitLine('x', ceiling)]),
      ],
    }),
  );
  const told =
    ceiling === null
      ? ''
      : ` Dashed: the ceiling, λ = ${formatFactor(ceiling)}, from which half of the texts are degenerate.`;
  return {
    id: 'sweep',
    title: 'Base + λv*, as λ grows',
    description: `Over ${n} held-out prompts.${told}`,
    isWide: true,
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      concat: panels,
      columns,
      bounds: 'flush',
      spacing: { row: 88, column: 56 },
    },
  };
};
