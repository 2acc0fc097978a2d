import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAgainst,
  formatDifference,
  formatNumber,
  formatSeconds,
  formatThreshold,
} from '../../src/reports/index.js';

describe('formatNumber', () => {
  it.each([
    [0.94, '0.940'],
    [-0.0204, '-0.020'],
    [0.00081, '0.0008'],
    [0.0000123, '1.2e-5'],
    [12.345, '12.3'],
    [742, '742.0'],
    [12345.6, '12346'],
    [12345678, '1.23e7'],
    [0, '0'],
    [null, '–'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '∞'],
  ])('writes %s as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('is never further off than its last digit allows', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
        expect(Math.abs(Number(formatNumber(value)) - value)).toBeLessThanOrEqual(
          Math.max(0.0006, Math.abs(value) * 0.006),
        );
      }),
    );
  });
});

describe('formatAgainst', () => {
  it('never rounds a number to the other side of its threshold', () => {
    const limits = fc.constantFrom(0.9, 0.1, 0, 0.05);
    fc.assert(
      fc.property(limits, fc.double({ min: -0.01, max: 0.01, noNaN: true }), (limit, offset) => {
        fc.pre(offset === 0 || Math.abs(offset) > 1e-6);
        const value = limit + offset;
        expect(Math.sign(Number(formatAgainst(value, limit)) - limit)).toBe(Math.sign(value - limit));
      }),
      { numRuns: 500 },
    );
  });

  it('writes 0.8997 against 0.9 as 0.8997 and 0.8 as 0.800', () => {
    expect(formatAgainst(0.8997, 0.9)).toBe('0.8997');
    expect(formatAgainst(0.8, 0.9)).toBe('0.800');
  });
});

describe('the other texts', () => {
  it('gives a threshold its direction and at least two decimals', () => {
    expect(formatThreshold({ atLeast: 0.9 })).toBe('≥ 0.90');
    expect(formatThreshold({ atMost: 0.1 })).toBe('≤ 0.10');
    expect(formatThreshold({ atMost: 1e-7 })).toBe('≤ 1e-7');
    expect(formatThreshold({ atLeast: 0.625 })).toBe('≥ 0.625');
  });

  it('signs differences', () => {
    expect(formatDifference(0.0084, [0.0071, 0.0093])).toBe('+0.008 [0.007, 0.009]');
    expect(formatDifference(-0.2, null)).toBe('-0.200');
    expect(formatDifference(null, null)).toBe('–');
  });

  it('writes durations for people', () => {
    expect([0.84, 9.97, 42.4, 185, 7800].map(formatSeconds)).toEqual([
      '0.8 s',
      '10 s',
      '42 s',
      '3 min 05 s',
      '2 h 10 min',
    ]);
  });
});
