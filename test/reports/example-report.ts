/** A report made by hand, with every outcome in it: numbers invented, shapes real. */

import type {
  ClaimReport,
  ComparisonCell,
  ComparisonRow,
  ComparisonTable,
  ControlReport,
  RunManifest,
  RunReport,
} from '../../src/claims/index.js';
import { totalsOf } from '../../src/claims/index.js';

export const exampleControl = (changes: Partial<ControlReport> = {}): ControlReport => ({
  id: 'shuffled-labels',
  title: 'DPO on shuffled labels',
  expected: 'breaks',
  verdict: 'breaks',
  outcome: 'pass',
  metric: 'cosine-to-steering-vector',
  threshold: { atLeast: 0.9 },
  estimate: 0.6701234,
  interval: [0.651, 0.689],
  level: 0.95,
  n: 742,
  seeds: [100],
  seedEstimates: [0.6701234],
  seedSd: null,
  details: {},
  role: 'control',
  difference: 0.239,
  differenceInterval: [0.221, 0.257],
  beaten: true,
  ...changes,
});

export const exampleClaim = (changes: Partial<ClaimReport> = {}): ClaimReport => ({
  id: 'cosine-concentration',
  title: 'Displacements of all prompts point along one vector',
  source: 'arXiv:2512.11838 §3',
  statement: 'Held-out displacements lie within a narrow cone around v*.',
  experiment: 'many-frames',
  comparison: null,
  population: 'held-out prompts at prompt-last, final hidden state, uncentred, cross-fitted',
  reason: 'the paper reports a peak between 0.92 and 0.96',
  expected: 'holds',
  verdict: 'holds',
  outcome: 'pass',
  metric: 'cosine-to-steering-vector',
  threshold: { atLeast: 0.9 },
  estimate: 0.9091,
  interval: [0.9004, 0.9177],
  level: 0.95,
  n: 742,
  seeds: [100, 101],
  seedEstimates: [0.909, 0.912],
  seedSd: 0.00212,
  family: 'headline',
  pValue: 0.0005,
  adjustedP: 0.0015,
  details: { median: 0.951, p05: 0.765 },
  specific: true,
  controls: [exampleControl()],
  ...changes,
});

const noise = exampleControl({
  id: 'placebo-noise',
  title: 'Weight noise matched in ‖Δh‖',
  expected: 'holds',
  verdict: 'holds',
  outcome: 'pass',
  estimate: 0.976,
  interval: [0.974, 0.978],
  difference: 0.0201,
  differenceInterval: [0.0182, 0.0223],
});

const claims: readonly ClaimReport[] = [
  exampleClaim({
    id: 'gradient-law',
    title: 'The gradient at h is −β·σ(−m)·(e_w − e_l)',
    source: 'arXiv:2512.11838 §2',
    experiment: null,
    verdict: 'breaks',
    outcome: 'fail',
    metric: 'largest relative error',
    threshold: { atMost: 0.0001 },
    estimate: 0.31,
    interval: [0.31, 0.31],
    n: 200,
    seedEstimates: [0.31],
    seedSd: null,
    specific: false,
    controls: [],
    counterexample: { seed: 42, path: '0:3', value: '{"h":[0,1],"beta":0.1,\n"margin":"\u001b[31m"}' },
  }),
  exampleClaim({
    experiment: 'one-frame',
    estimate: 0.996,
    interval: [0.9952, 0.9967],
    specific: false,
    reason: 'a degenerate ceiling: every prompt ends in the same words',
    controls: [
      noise,
      exampleControl({
        id: 'sft',
        title: 'SFT on the chosen answers',
        expected: 'holds',
        verdict: 'holds',
        outcome: 'pass',
        estimate: 0.995,
        interval: [0.9941, 0.9958],
        difference: 0.0008,
        differenceInterval: [-0.0004, 0.0021],
        beaten: false,
      }),
    ],
  }),
  exampleClaim({
    id: 'rank-one-dominance',
    title: 'One singular value dominates',
    experiment: 'one-frame',
    expected: 'holds',
    verdict: 'inconclusive',
    outcome: 'inconclusive',
    metric: 'sigma2-over-sigma1',
    threshold: { atMost: 0.1 },
    estimate: 0.0996,
    interval: [0.0921, 0.1004],
    specific: false,
    controls: [
      exampleControl({
        threshold: { atMost: 0.1 },
        verdict: 'inconclusive',
        outcome: 'inconclusive',
        estimate: 0.133,
        interval: [0.0999, 0.167],
        difference: -0.0334,
        differenceInterval: [-0.071, 0.0042],
        beaten: false,
      }),
    ],
  }),
  exampleClaim(),
  exampleClaim({
    id: 'inversion-recovery',
    title: 'Subtracting v* restores the base',
    expected: 'breaks',
    verdict: 'breaks',
    outcome: 'fail',
    metric: 'flips-undone',
    estimate: 0.73,
    interval: [0.652, 0.801],
    n: 126,
    specific: true,
    controls: [
      exampleControl({
        id: 'random-directions',
        verdict: 'holds',
        outcome: 'fail',
        estimate: 0.931,
        interval: [0.91, 0.95],
        difference: -0.2,
        differenceInterval: [-0.281, -0.12],
        beaten: false,
      }),
    ],
  }),
  exampleClaim({
    id: 'steering-installs',
    title: 'Adding v* installs the preference',
    verdict: 'error',
    outcome: 'error',
    estimate: null,
    interval: null,
    n: 0,
    specific: false,
    controls: [],
    seedEstimates: [],
    seedSd: null,
    pValue: null,
    adjustedP: null,
    details: { flips: 0, medianOfFlips: Number.NaN },
    error: 'the metric needs at least 64 prompts on which base and policy differ; there are 12',
  }),
];

export const exampleReport: RunReport = {
  schema: 1,
  run: {
    dsteer: '0.1.0',
    targets: ['quick'],
    engine: 'blas',
    seeds: [100, 101],
    startedAt: '2026-01-02T03:04:05.000Z',
    finishedAt: '2026-01-02T03:04:43.250Z',
    seconds: 38.25,
  },
  claims,
  tables: [],
  totals: totalsOf(claims),
};

/** The report of `claims`, with totals that belong to them. */
export const reportOf = (...own: readonly ClaimReport[]): RunReport => ({
  ...exampleReport,
  claims: own,
  totals: totalsOf(own),
});

export const exampleCell = (changes: Partial<ComparisonCell> = {}): ComparisonCell => ({
  estimate: 0.8123,
  interval: [0.8011, 0.8234],
  seedEstimates: [0.81, 0.8146],
  difference: -0.0871,
  differenceInterval: [-0.0975, -0.0769],
  paired: true,
  details: { participationRatio: 1.91 },
  ...changes,
});

const baselineCell = (changes: Partial<ComparisonCell> = {}): ComparisonCell =>
  exampleCell({
    estimate: 0.8994,
    interval: [0.8921, 0.9052],
    difference: null,
    differenceInterval: null,
    ...changes,
  });

export const exampleRow = (changes: Partial<ComparisonRow> = {}): ComparisonRow => ({
  experiment: 'many-frames-unfrozen',
  label: 'unfrozen',
  n: 768,
  seeds: [100, 101],
  parameters: 760_000,
  cells: [exampleCell(), exampleCell({ difference: 0.0021, differenceInterval: [-0.004, 0.0081] })],
  ...changes,
});

/** Frozen is the baseline; unfrozen differs clearly in the first metric and not in the second. */
export const exampleTable = (changes: Partial<ComparisonTable> = {}): ComparisonTable => ({
  id: 'embeddings',
  title: 'Frozen against unfrozen embeddings',
  baseline: 'many-frames',
  metrics: [
    { id: 'cosine-to-steering-vector', title: 'mean cos(Δh, v*)' },
    { id: 'flips-undone', title: 'share of changed preferences that policy − v* takes back' },
  ],
  rows: [
    exampleRow({ experiment: 'many-frames', label: 'frozen', cells: [baselineCell(), baselineCell()] }),
    exampleRow(),
  ],
  ...changes,
});

/** Enough conditions and metrics for a map of the differences. */
export const wideTable = (): ComparisonTable =>
  exampleTable({
    id: 'mixtures',
    title: 'How many dimensions mixed preferences take',
    metrics: ['accuracy-gain', 'cosine-to-steering-vector', 'singular-value-ratio', 'flips-undone'].map(
      (id) => ({
        id,
        title: `what ${id} is`,
      }),
    ),
    rows: ['one', 'conflict, 2', 'conflict, 3', 'orthogonal, 2', 'orthogonal, 3'].map((label, row) =>
      exampleRow({
        experiment: row === 0 ? 'many-frames' : `mixture-${row}`,
        label,
        cells: [0, 1, 2, 3].map((metric) => {
          const difference = row === 0 ? null : 0.02 * row - 0.06 * row * metric;
          const estimate = 0.8 + (difference ?? 0);
          return exampleCell({
            estimate,
            interval: [estimate - 0.02, estimate + 0.03],
            difference,
            differenceInterval: difference === null ? null : [difference - 0.03, difference + 0.03],
          });
        }),
      }),
    ),
  });

/** What a run writes beside its report. */
export const exampleManifest = (changes: Partial<RunManifest> = {}): RunManifest => ({
  schema: 1,
  versions: { dsteer: '0.1.0', node: '20.0.0', tfjs: '4.22.0' },
  commit: null,
  engine: { name: 'wasm', backend: 'wasm', details: 'wasm', tried: [] },
  hardware: { platform: 'linux x64', cpu: 'some', cores: 2, memoryBytes: 1024 },
  seeds: [100],
  inputs: [],
  ...changes,
});
