/** Every statistic of one layer's displacements, as `dsteer analyze` computes them; and the draws of a bootstrap of σ2/σ1. */
import { createRandom } from '../../base/index.js';
import { analyzeLayer, createRatioSampler, displacements } from '../../geometry/index.js';
import type { BenchmarkCase, Subject } from '../case.js';

/** States of a base, and of a policy that one common vector, a few weak directions and noise tell from it. */
const statesOf = (n: number, d: number) => {
  const random = createRandom('benchmark displacements');
  const directions = Array.from({ length: 6 }, () => Float64Array.from({ length: d }, () => random.normal()));
  const base = Float32Array.from({ length: n * d }, () => random.normal());
  const policy = base.slice();
  for (let i = 0; i < n; i++) {
    directions.forEach((direction, k) => {
      const size = k === 0 ? 3 : random.normal() / k;
      for (let j = 0; j < d; j++) {
        policy[i * d + j] = (policy[i * d + j] ?? 0) + size * (direction[j] ?? 0);
      }
    });
    for (let j = 0; j < d; j++) policy[i * d + j] = (policy[i * d + j] ?? 0) + 0.1 * random.normal();
  }
  return { base, policy };
};

const DRAWS = 100;

const shapes = [
  [512, 512],
  [512, 2048],
  [512, 4096],
] as const;

export const spectrum: Subject = {
  name: 'spectrum',
  title: 'Statistics of one layer’s displacements [512, d], float64',
  axis: 'd',
  isLinearAlgebra: true,
  cases: shapes.flatMap(([n, d]): BenchmarkCase[] => [
    {
      series: 'all statistics',
      size: `d = ${d}`,
      scale: d,
      prepare: async () => {
        const { base, policy } = statesOf(n, d);
        return { run: async () => analyzeLayer(base, policy, n, d), dispose: () => undefined };
      },
    },
    {
      series: 'bootstrap draw of σ2/σ1',
      size: `d = ${d}`,
      scale: d,
      repeats: DRAWS,
      prepare: async () => {
        const { base, policy } = statesOf(n, d);
        const random = createRandom('benchmark draws');
        const draws = Array.from({ length: DRAWS }, () => {
          const weights = new Float64Array(n);
          for (let i = 0; i < n; i++) {
            const row = random.integer(n);
            weights[row] = (weights[row] ?? 0) + 1;
          }
          return weights;
        });
        const sample = createRatioSampler(displacements(base, policy, n, d), { discard: 2 });
        return { run: async () => draws.map(sample), dispose: () => undefined };
      },
    },
  ]),
};
