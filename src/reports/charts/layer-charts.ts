/** The shape of displacements by layer: σ2/σ1 and spectral entropy with the null's band, and whole spectra. */

import { type Chart, FIT, HEIGHT, lineLegend, NARROW, VEGA_LITE_SCHEMA } from './chart.js';
import type { ChartData, LayerPoint, Spectrum } from './chart-data.js';
import { type Layer, limitLine, limitName } from './layers.js';
import { palette } from './palette.js';

const siteLabel = (site: LayerPoint['site']): string => (site === 'post-norm' ? 'final' : String(site));

interface LayerQuantity {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly description: string;
  readonly of: (row: LayerPoint) => number | null;
  readonly nullOf: (row: LayerPoint) => readonly [number, number] | undefined;
  readonly limit?: number;
}

const layerChart = (
  rows: readonly LayerPoint[],
  { id, title, axis, description, of, nullOf, limit }: LayerQuantity,
): Chart => {
  const values = rows.map((row) => {
    const band = nullOf(row);
    return {
      site: siteLabel(row.site),
      value: of(row),
      ...(band === undefined ? {} : { lower: band[0], upper: band[1] }),
    };
  });
  const hasNull = values.some((row) => 'lower' in row);
  const x = {
    field: 'site',
    type: 'ordinal',
    sort: values.map(({ site }) => site),
    title: 'layer',
    axis: { labelAngle: 0 },
  } as const;
  const y = { type: 'quantitative', title: axis, axis: { tickCount: 5 } } as const;
  const nullBand: Layer = {
    mark: { type: 'area', color: palette.band.light, opacity: 0.55 },
    encoding: { x, y: { ...y, field: 'lower' }, y2: { field: 'upper' } },
  };
  return {
    id,
    title,
    description,
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      width: NARROW,
      autosize: FIT,
      height: HEIGHT,
      data: { values },
      layer: [
        ...(hasNull ? [nullBand] : []),
        { mark: { type: 'line', point: true }, encoding: { x, y: { ...y, field: 'value' } } },
        ...(limit === undefined ? [] : [limitLine('y', limit), limitName('y', limit, `≤ ${limit}`)]),
      ],
    },
  };
};

/**
 * σ2/σ1 and spectral entropy by layer.
 *
 * @param limit of the claim about σ2/σ1, where the run has one
 */
export const layerCharts = (
  { rows, null: nullModel }: NonNullable<ChartData['layers']>,
  limit: number | undefined,
): Chart[] => {
  if (rows.length === 0) return [];
  const band = nullModel === undefined ? '' : ` Grey: ${nullModel}.`;
  return [
    layerChart(rows, {
      id: 'rank-one',
      title: 'Second singular value over the first, by layer',
      axis: 'σ2/σ1 of ΔH',
      description: `Outputs of the blocks, then the final hidden state. Near 0 where displacements share one direction.${band}`,
      of: (row) => row.sigma2OverSigma1,
      nullOf: (row) => row.nullSigma2OverSigma1,
      ...(limit === undefined ? {} : { limit }),
    }),
    layerChart(rows, {
      id: 'entropy',
      title: 'Spectral entropy, by layer',
      axis: 'share of the largest possible',
      description: `Outputs of the blocks, then the final hidden state. Low where few directions hold the energy.${band}`,
      of: (row) => row.spectralEntropyShare,
      nullOf: (row) => row.nullSpectralEntropyShare,
    }),
  ];
};

/** At most `most` of them, evenly spread, the first and the last among them. */
const spread = <Item>(items: readonly Item[], most: number): Item[] =>
  items.length <= most
    ? [...items]
    : Array.from({ length: most }, (_, k) => items[Math.round((k * (items.length - 1)) / (most - 1))]).filter(
        (item) => item !== undefined,
      );

const SPECTRUM_COLORS = [palette.base, palette.sft, palette.steered, palette.policy].map(
  ({ light }) => light,
);

/** Singular values relative to the first, on a logarithmic scale, of four layers at most; the last one's null dashed. */
export const spectrumChart = (spectra: readonly Spectrum[]): Chart | undefined => {
  const drawn = spread(
    spectra.filter(({ singularValues }) => (singularValues[0] ?? 0) > 0),
    4,
  );
  const last = drawn.at(-1);
  if (last === undefined) return undefined;
  const name = ({ site }: Spectrum): string => (site === 'post-norm' ? 'final' : `layer ${site}`);
  const points = (values: readonly number[], label: string) =>
    values.flatMap((value, index) =>
      value > 0 ? [{ index: index + 1, share: value / (values[0] ?? Number.NaN), site: label }] : [],
    );
  const x = {
    field: 'index',
    type: 'quantitative',
    title: 'k',
    scale: { zero: false, nice: false },
  } as const;
  const y = {
    field: 'share',
    type: 'quantitative',
    title: 'σk/σ1',
    scale: { type: 'log' },
    axis: { tickCount: 4 },
  } as const;
  const nulls = last.nullSingularValues === undefined ? [] : points(last.nullSingularValues, 'null');
  const nullLine: Layer = {
    data: { values: nulls },
    mark: { type: 'line', color: palette.muted.light, strokeDash: [5, 4] },
    encoding: { x, y },
  };
  return {
    id: 'spectra',
    title: 'Singular spectra of the displacements',
    description: `Singular values of ΔH relative to the first, ${drawn.map(name).join(', ')}.${nulls.length > 0 ? ` Dashed: the null at ${name(last)}.` : ''}`,
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      width: NARROW,
      autosize: FIT,
      height: HEIGHT,
      data: { values: drawn.flatMap((one) => points(one.singularValues, name(one))) },
      layer: [
        {
          mark: { type: 'line', point: { size: 22 } },
          encoding: {
            x,
            y,
            color: {
              field: 'site',
              type: 'nominal',
              scale: { domain: drawn.map(name), range: SPECTRUM_COLORS.slice(-drawn.length) },
              legend: lineLegend(drawn.map(name)),
            },
          },
        },
        ...(nulls.length === 0 ? [] : [nullLine]),
      ],
    },
  };
};
