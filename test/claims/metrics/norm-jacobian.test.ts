import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pullBackLayerNorm, pullBackRmsNorm } from '../../../src/claims/metrics/norm-jacobian.js';
import { dot } from '../../../src/linalg/index.js';

type Norm = (x: readonly number[], gain: readonly number[], epsilon: number) => number[];

const rmsNorm: Norm = (x, gain, epsilon) => {
  const scale = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + epsilon);
  return x.map((value, i) => (value / scale) * (gain[i] ?? 0));
};
const layerNorm: Norm = (x, gain, epsilon) => {
  const centre = x.reduce((sum, value) => sum + value, 0) / x.length;
  return rmsNorm(
    x.map((value) => value - centre),
    gain,
    epsilon,
  );
};

const number = fc.double({ min: -3, max: 3, noNaN: true });
const threeVectors = fc
  .integer({ min: 2, max: 12 })
  .chain((d) => fc.tuple(...[0, 1, 2].map(() => fc.array(number, { minLength: d, maxLength: d }))));

describe.each([
  ['RMSNorm', rmsNorm, pullBackRmsNorm],
  ['LayerNorm', layerNorm, pullBackLayerNorm],
] as const)('the Jacobian of %s, transposed', (_, norm, pullBack) => {
  it('is what central differences of ⟨u, norm(x)⟩ give, in float64', () => {
    fc.assert(
      fc.property(threeVectors, ([x = [], gain = [], gradient = []]) => {
        const epsilon = 0.1;
        const step = 1e-5;
        const pulled = pullBack({ x, gain, epsilon, gradient });
        const at = (i: number, move: number): number =>
          dot(
            gradient,
            norm(
              x.map((value, j) => (i === j ? value + move : value)),
              gain,
              epsilon,
            ),
          );
        x.forEach((__, i) => {
          expect(pulled[i]).toBeCloseTo((at(i, step) - at(i, -step)) / (2 * step), 5);
        });
      }),
      { numRuns: 50 },
    );
  });
});
