/** Training curves: loss and reward margin of DPO and of DPO on shuffled labels, loss of SFT. */

import { type Chart, FIT, HEIGHT, lineLegend, NARROW, VEGA_LITE_SCHEMA } from './chart.js';
import { referenceLine } from './layers.js';
import { subjectLabel, subjectScale } from './subjects.js';

/** A row a step; fields that were not logged are missing. */
export interface TrainingCurve {
  /** `dpo`, `sft`, `shuffled-labels` … */
  readonly subject: string;
  readonly steps: readonly {
    readonly step: number;
    readonly loss?: number;
    readonly rewardMargin?: number;
  }[];
}

interface CurveWords {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly description: string;
  readonly level?: number;
}

/** Steps averaged on either side of each. */
const WINDOW = 5;

/** Every step faint, the running mean over it. */
const curveChart = (
  curves: readonly TrainingCurve[],
  quantity: 'loss' | 'rewardMargin',
  { id, title, axis, description, level }: CurveWords,
): Chart | undefined => {
  const values = curves.flatMap(({ subject, steps }) =>
    steps.flatMap((row) => {
      const value = row[quantity];
      return value === undefined ? [] : [{ step: row.step, value, subject: subjectLabel(subject) }];
    }),
  );
  if (values.length === 0) return undefined;
  const subjects = curves.map(({ subject }) => subject);
  const encoding = {
    x: { field: 'step', type: 'quantitative', title: 'step', scale: { nice: false } },
    y: { field: 'value', type: 'quantitative', title: axis, scale: { zero: false }, axis: { tickCount: 5 } },
    color: {
      field: 'subject',
      type: 'nominal',
      scale: subjectScale(subjects),
      legend: subjects.length > 1 ? lineLegend(subjects.map(subjectLabel)) : null,
    },
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
      data: { values },
      layer: [
        ...(level === undefined ? [] : [referenceLine('y', level)]),
        { mark: { type: 'line', strokeWidth: 1, opacity: 0.28 }, encoding },
        {
          transform: [
            {
              window: [{ op: 'mean', field: 'value', as: 'smooth' }],
              frame: [-WINDOW, WINDOW],
              groupby: ['subject'],
              sort: [{ field: 'step', order: 'ascending' }],
            },
          ],
          mark: { type: 'line' },
          encoding: { ...encoding, y: { ...encoding.y, field: 'smooth' } },
        },
      ],
    },
  };
};

export const trainingCharts = (curves: readonly TrainingCurve[]): Chart[] => {
  const preference = curves.filter(({ steps }) =>
    steps.some(({ rewardMargin }) => rewardMargin !== undefined),
  );
  const likelihood = curves.filter((curve) => !preference.includes(curve));
  const smooth = `Every step, and the mean over ${2 * WINDOW + 1} of them.`;
  return [
    curveChart(preference, 'loss', {
      id: 'training-loss',
      title: 'DPO loss in training',
      axis: 'loss, nats',
      description: `${smooth} Dotted: ln 2, where it starts.`,
      level: Math.LN2,
    }),
    curveChart(preference, 'rewardMargin', {
      id: 'training-margin',
      title: 'Reward margin in training',
      axis: 'β-scaled margin',
      description: smooth,
    }),
    curveChart(likelihood, 'loss', {
      id: 'training-sft',
      title: 'Loss of supervised training',
      axis: 'nats a token',
      description: smooth,
    }),
  ].filter((chart) => chart !== undefined);
};
