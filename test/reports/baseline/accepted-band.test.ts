import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptedBand } from '../../../src/reports/index.js';
import { finite } from './arbitrary-claims.js';

const digitsOf = (value: number): number =>
  Math.abs(value)
    .toExponential()
    .replace(/e.*$|\./g, '').length;

describe('the band that a run proposes', () => {
  it('holds the interval and the estimate, and is wider by a part in a thousand of its ends at most', () => {
    fc.assert(
      fc.property(finite, finite, finite, (estimate, a, b) => {
        const interval = [Math.min(a, b), Math.max(a, b)] as const;
        const [low, high] = acceptedBand(estimate, interval);
        const [least, most] = [Math.min(estimate, ...interval), Math.max(estimate, ...interval)];
        expect(low).toBeLessThanOrEqual(least);
        expect(high).toBeGreaterThanOrEqual(most);
        expect(least - low).toBeLessThanOrEqual(0.001 * Math.abs(least));
        expect(high - most).toBeLessThanOrEqual(0.001 * Math.abs(most));
        for (const end of [low, high]) expect(digitsOf(end)).toBeLessThanOrEqual(4);
      }),
    );
  });

  it.each([
    [0.899, [0.8923, 0.9051], [0.8923, 0.9051]],
    [0.9, [0.89236, 0.90511], [0.8923, 0.9052]],
    [1, [0.99523, 1], [0.9952, 1]],
    [-0.1, [-0.100041, -0.0999901], [-0.1001, -0.09999]],
    [0.3, [0.31, 0.35], [0.3, 0.35]],
    [0, [0, 0], [0, 0]],
    [0.5, [0.5, 0.99999], [0.5, 1]],
  ] as const)('of %d in %j is %j', (estimate, interval, band) => {
    expect(acceptedBand(estimate, interval)).toEqual(band);
  });
});
