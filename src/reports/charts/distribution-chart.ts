/** Distributions as histograms: of cosines to the steering vector, and of preference margins. */

import { formatNumber } from '../format.js';
import { type Chart, FIT, HEIGHT, lineLegend, NARROW, VEGA_LITE_SCHEMA } from './chart.js';
import { binEdges, histogramOf, outlineOf } from './histogram.js';
import { limitLine, limitName } from './layers.js';
import { subjectLabel, subjectScale } from './subjects.js';

export interface Sample {
  readonly subject: string;
  readonly values: readonly number[];
}

interface Words {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly description: string;
  /** Where a line is drawn: a threshold. */
  readonly limit?: number;
}

/** The outlines of all samples; the one named `filled` is filled. */
const distributionChart = (
  samples: readonly Sample[],
  filled: string,
  { id, title, axis, description, limit }: Words,
): Chart => {
  const edges = binEdges(samples.flatMap(({ values }) => [...values]));
  const drawn = samples.map(({ subject, values }) => ({
    subject,
    label: subjectLabel(subject),
    bins: histogramOf(values, edges),
  }));
  const outlines = drawn.flatMap(({ label, bins }) =>
    outlineOf(bins).map((point, order) => ({ ...point, order, subject: label })),
  );
  const filling = drawn
    .filter(({ subject }) => subject === filled)
    .flatMap(({ label, bins }) => bins.map((bin) => ({ ...bin, subject: label })));
  const color = {
    field: 'subject',
    type: 'nominal',
    scale: subjectScale(samples.map(({ subject }) => subject)),
    legend: samples.length > 1 ? lineLegend(drawn.map(({ label }) => label)) : null,
  } as const;
  const x = { field: 'x', type: 'quantitative', title: axis, scale: { zero: false, nice: false } } as const;
  const y = {
    field: 'share',
    type: 'quantitative',
    title: 'share of prompts',
    axis: { format: '.0%', tickCount: 4 },
  } as const;
  return {
    id,
    title,
    description,
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      width: NARROW,
      autosize: FIT,
      height: HEIGHT,
      data: { values: outlines },
      layer: [
        {
          data: { values: filling },
          mark: { type: 'rect', opacity: 0.22 },
          encoding: { x: { ...x, field: 'from' }, x2: { field: 'to' }, y, y2: { datum: 0 }, color },
        },
        { mark: { type: 'line', strokeWidth: 1.75 }, encoding: { x, y, color, order: { field: 'order' } } },
        ...(limit === undefined ? [] : [limitLine('x', limit), limitName('x', limit, String(limit))]),
      ],
    },
  };
};

const medianOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

const medians = (samples: readonly Sample[]): string =>
  samples
    .map(({ subject, values }) => `${subjectLabel(subject)} ${formatNumber(medianOf(values))}`)
    .join(', ');

/**
 * Cosines of held-out displacements to the steering vector, DPO's filled.
 *
 * @param threshold of the claim about their mean, where the run has one
 */
export const cosineChart = (samples: readonly Sample[], threshold: number | undefined): Chart | undefined => {
  const own = samples.find(({ subject }) => subject === 'dpo')?.values ?? [];
  if (own.length === 0) return undefined;
  const above = threshold === undefined ? 0 : own.filter((value) => value >= threshold).length / own.length;
  const told =
    threshold === undefined ? '' : ` ${(100 * above).toFixed(0)} % of DPO’s lie at or above ${threshold}.`;
  return distributionChart(samples, 'dpo', {
    id: 'cosines',
    title: 'Cosine to the steering vector',
    axis: 'cos(Δh, v*)',
    description: `Held-out prompts, final hidden state, v* from the other fold (${own.length} prompts). Medians: ${medians(samples)}.${told}`,
    ...(threshold === undefined ? {} : { limit: threshold }),
  });
};

/** Preference margins before and after, and after inversion where that was measured. */
export const marginChart = (samples: readonly Sample[]): Chart | undefined => {
  const drawn = samples.filter(({ values }) => values.length > 0);
  if (drawn.length < 2) return undefined;
  const hasInversion = drawn.some(({ subject }) => subject === 'inverted');
  return distributionChart(drawn, hasInversion ? 'inverted' : 'policy', {
    id: 'margins',
    title: hasInversion ? 'Inversion, before and after' : 'Preference margins, before and after',
    axis: 'log p(chosen) − log p(rejected), nats',
    description: `Held-out prompts. Medians: ${medians(drawn)}.${hasInversion ? ' Where inversion restored the base, the filled outline would lie on the base’s.' : ''}`,
    limit: 0,
  });
};
