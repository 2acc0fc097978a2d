/** Which charts there are of a job: those whose data it left. */

import type { RunReport } from '../../claims/index.js';
import { limitOf } from '../format.js';
import type { Chart } from './chart.js';
import { cosineChart, marginChart, type Sample } from './distribution-chart.js';
import type { JobEvidence } from './job-evidence.js';
import { layerCharts, spectrumChart } from './layer-charts.js';
import { sweepChart } from './sweep-chart.js';
import { trainingCharts } from './training-charts.js';

/** The threshold of the first claim about a metric that compares no experiments. */
const thresholdOf = ({ claims }: RunReport, metric: string): number | undefined => {
  const claim = claims.find((one) => one.metric === metric && one.comparison === null);
  return claim && limitOf(claim.threshold);
};

const cosineSamples = ({ data, prompts }: JobEvidence): readonly Sample[] =>
  data?.cosines ?? (prompts === undefined ? [] : [{ subject: 'dpo', values: prompts.cosines }]);

const marginSamples = ({ data, prompts }: JobEvidence): readonly Sample[] => {
  const { base = [], policy = [], inverted = [] } = data?.margins ?? { ...prompts, inverted: [] };
  return [
    { subject: 'base', values: base },
    { subject: 'policy', values: policy },
    { subject: 'inverted', values: inverted },
  ];
};

/** Charts of one job, thresholds as the run's claims have them. */
export const evidenceCharts = (evidence: JobEvidence, report: RunReport): Chart[] => {
  const { data, training } = evidence;
  return [
    cosineChart(cosineSamples(evidence), thresholdOf(report, 'cosine-to-steering-vector')),
    marginChart(marginSamples(evidence)),
    ...(data?.layers === undefined
      ? []
      : layerCharts(data.layers, thresholdOf(report, 'singular-value-ratio'))),
    data?.spectra && spectrumChart(data.spectra),
    ...trainingCharts(training),
    data?.sweep && sweepChart(data.sweep),
  ].filter((chart) => chart !== undefined);
};
