import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import {
  type BenchmarkReport,
  compareReports,
  intervalOfMedian,
  type MeasuredCase,
} from '../../src/benchmarks/index.js';

const measured = (changes: Partial<MeasuredCase> = {}): MeasuredCase => ({
  state: 'measured',
  engine: 'blas',
  subject: 'gemm',
  series: 'A·B',
  size: '512³',
  scale: 512,
  medianMs: 10,
  medianInterval: [9.8, 10.2],
  p99Ms: 12,
  marginOfError: 1,
  samples: 50,
  firstMs: 20,
  gflops: 20,
  tokensPerSecond: null,
  toGemmFloor: 1.5,
  toGemm: 2,
  peakMemoryMiB: 100,
  doubts: [],
  ...changes,
});

const reportOf = (...results: BenchmarkReport['results']): BenchmarkReport => ({
  schema: 1,
  run: { dsteer: '0', node: '20', platform: 'x', cpu: 'x', cores: 2, startedAt: '', seconds: 1 },
  engines: [
    { state: 'ran', name: 'blas', details: '', isSoftware: false },
    { state: 'skipped', name: 'webgpu', reason: 'no device' },
  ],
  results,
});

/** The same case `factor` times as long, on a machine `speed` times as fast. */
const scaled = (one: MeasuredCase, factor: number, speed: number): MeasuredCase => ({
  ...one,
  medianMs: (one.medianMs * factor) / speed,
  medianInterval: [(one.medianInterval[0] * factor) / speed, (one.medianInterval[1] * factor) / speed],
  // Its product is as much faster: the multiple knows the factor alone.
  toGemm: one.toGemm * factor,
});

describe('compareReports', () => {
  it('should call a case slower by its factor beyond noise and tolerance, on a machine of any speed', () => {
    const numbers = fc.double({ min: 0.05, max: 20, noNaN: true });
    fc.assert(
      fc.property(
        numbers,
        numbers,
        fc.double({ min: 0, max: 2, noNaN: true }),
        (factor, speed, tolerance) => {
          const before = measured();
          const noise = 10.2 / 9.8;
          fc.pre(Math.abs(factor / noise - 1 - tolerance) > 1e-9);
          const [one] = compareReports(reportOf(before), reportOf(scaled(before, factor, speed)), tolerance);
          expect(one).toMatchObject({ state: 'compared', isSlower: factor / noise > 1 + tolerance });
          if (one?.state === 'compared') expect(one.ratio).toBeCloseTo(factor, 9);
        },
      ),
    );
  });

  it('should find a report no slower than itself', () => {
    const report = reportOf(measured(), measured({ size: '128³' }));
    expect(compareReports(report, report, 0).map((one) => one.state === 'compared' && one.isSlower)).toEqual([
      false,
      false,
    ]);
  });

  it('should say why a case cannot be compared, and leave out what had failed before', () => {
    const gpu = measured({ engine: 'webgpu' });
    const gone = measured({ size: '64³' });
    const { engine, subject, series, size, scale } = measured({ size: '32³' });
    const identity = { engine, subject, series, size, scale };
    const failed = { state: 'failed' as const, ...identity, message: 'it broke' };
    const before = reportOf(gpu, gone, measured({ size: '32³' }), { ...failed, size: '16³' });
    expect(compareReports(before, reportOf(failed), 0)).toEqual([
      { state: 'missing', engine: 'webgpu', name: 'gemm/A·B 512³', reason: 'no device' },
      { state: 'missing', engine: 'blas', name: 'gemm/A·B 64³', reason: 'not timed in this run' },
      { state: 'missing', engine: 'blas', name: 'gemm/A·B 32³', reason: 'it broke' },
    ]);
  });
});

describe('intervalOfMedian', () => {
  it('should hold the true median in 93 to 99 of 100 draws, of a distribution far from normal', () => {
    const random = createRandom('exponential');
    const draws = 2000;
    let held = 0;
    for (let draw = 0; draw < draws; draw++) {
      const samples = Array.from({ length: 41 }, () => -Math.log(1 - random.next())).sort((a, b) => a - b);
      const [low, high] = intervalOfMedian(samples);
      if (low <= Math.LN2 && Math.LN2 <= high) held++;
    }
    // Ranks are whole numbers, and rounded outwards.
    expect(held / draws).toBeGreaterThan(0.93);
    expect(held / draws).toBeLessThan(0.99);
  });

  it('should stay within the samples, however few', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 1, maxLength: 12 }),
        (some) => {
          const sorted = some.toSorted((a, b) => a - b);
          const [low, high] = intervalOfMedian(sorted);
          expect(sorted).toContain(low);
          expect(sorted).toContain(high);
          const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
          expect(low).toBeLessThanOrEqual(middle);
          expect(high).toBeGreaterThanOrEqual(middle);
        },
      ),
    );
  });
});
