/** The evidence of one job made by hand: numbers invented from a seed, shapes real. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '../../src/base/index.js';
import type { ChartData } from '../../src/reports/index.js';
import { formatCsv } from '../../src/store/index.js';

const n = 240;
const sites = [1, 2, 3, 4, 5, 6, 'post-norm'] as const;

const normals = (name: string, mean: number, sd: number): number[] => {
  const random = createRandom(7).fork(name);
  return Array.from({ length: n }, () => mean + sd * random.normal());
};

const cosinesAround = (name: string, sd: number): number[] =>
  normals(name, 0, sd).map((value) => 1 - Math.min(1.5, Math.abs(value)));

export const exampleChartData = (changes: Partial<ChartData> = {}): ChartData => ({
  schema: 1,
  experiment: 'many-frames',
  seed: 100,
  cosines: [
    { subject: 'dpo', values: cosinesAround('dpo', 0.12) },
    { subject: 'sft', values: cosinesAround('sft', 0.2) },
    { subject: 'shuffled-labels', values: cosinesAround('shuffled', 0.4) },
    { subject: 'placebo-noise', values: cosinesAround('noise', 0.5) },
  ],
  layers: {
    rows: sites.map((site, index) => ({
      site,
      sigma2OverSigma1: 0.55 - 0.05 * index,
      spectralEntropyShare: 0.62 - 0.06 * index,
      nullSigma2OverSigma1: [0.71, 0.83] as [number, number],
      nullSpectralEntropyShare: [0.88, 0.93] as [number, number],
    })),
    null: '95 % of rows of ΔH with signs shuffled, of the same n',
  },
  spectra: sites.map((site, index) => ({
    site,
    singularValues: Array.from({ length: 24 }, (_, k) => 40 * (k + 1) ** -(0.7 + 0.15 * index)),
    nullSingularValues: Array.from({ length: 24 }, (_, k) => 12 * (k + 1) ** -0.2),
  })),
  sweep: {
    points: [-1, -0.5, 0, 0.5, 1, 2, 4, 8].map((lambda) => ({
      lambda,
      margin: 1.4 * lambda - 0.08 * lambda * lambda,
      marginInterval: [
        1.4 * lambda - 0.08 * lambda * lambda - 0.3,
        1.4 * lambda - 0.08 * lambda * lambda + 0.3,
      ] as [number, number],
      accuracy: 1 / (1 + Math.exp(-lambda)),
      bleu: 0.5 * Math.exp(-Math.abs(lambda - 1) / 3),
      toxicity: 0.02 + 0.005 * Math.abs(lambda),
      perplexity: 18 + 4 * lambda * lambda,
      degenerate: 1 / (1 + Math.exp(4 - lambda)),
    })),
    ceiling: 4,
    n: 96,
  },
  margins: {
    base: normals('base', 0, 1.2),
    policy: normals('policy', 2.6, 1.5),
    inverted: normals('inverted', 0.9, 1.4),
  },
  samples: [
    {
      prompt: 'The film was shot in <Paris> & I thought it was',
      base: ' a little long, with a <script>alert(1)</script> at the end.',
      steered: ' wonderful, and I would gladly see it again.',
      steeredLambda: 1,
      policy: ' wonderful from beginning to end.',
      inverted: ' a film, a film, a film, a film, a film',
      invertedLambda: -1,
      degenerate: ['inverted'],
    },
    {
      prompt: 'We waited an hour for the table, and the food was',
      base: ' cold.\nI asked for \u202ereversed\u0000 text.',
      steered: ' delicious.',
      steeredLambda: 1,
      policy: ' fresh, and the staff were kind.',
      inverted: '',
      invertedLambda: -1,
    },
  ],
  ...changes,
});

/** Writes `prompts.csv`, training curves and, where given, `charts.json` of one job below `run`. */
export const writeExampleEvidence = async (run: string, data?: ChartData): Promise<void> => {
  const folder = join(run, 'many-frames', 'seed-100');
  await mkdir(folder, { recursive: true });
  const [base, policy, cosines] = [
    normals('base', 0, 1.2),
    normals('policy', 2.6, 1.5),
    cosinesAround('dpo', 0.12),
  ];
  await writeFile(
    join(folder, 'prompts.csv'),
    formatCsv(
      ['prompt', 'source', 'fold', 'base_margin', 'policy_margin', 'cosine_to_steering_vector'],
      base.map((margin, i) => [`p${i}, "quoted"`, `s${i}`, i % 2, margin, policy[i] ?? 0, cosines[i] ?? 0]),
    ),
  );
  const noise = normals('training', 0, 0.02);
  for (const [subject, scale] of [
    ['dpo', 1],
    ['shuffled-labels', 0.1],
  ] as const) {
    await writeFile(
      join(folder, `training-${subject}.csv`),
      formatCsv(
        ['step', 'loss', 'rewards/margins'],
        noise.map((value, step) => [
          step,
          Math.LN2 - scale * 0.4 * (1 - Math.exp(-step / 60)) + value,
          scale * 3 * (1 - Math.exp(-step / 60)) + value,
        ]),
      ),
    );
  }
  await writeFile(
    join(folder, 'training-sft.csv'),
    formatCsv(
      ['step', 'loss'],
      noise.map((value, step) => [step, 2 + 3 * Math.exp(-step / 30) + 10 * value]),
    ),
  );
  if (data !== undefined) await writeFile(join(folder, 'charts.json'), JSON.stringify(data));
};
