import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ComputationError, createRandom } from '../../src/base/index.js';
import type { TaskResult } from '../../src/claims/jobs/job.js';
import { resample } from '../../src/claims/jobs/resample.js';
import { type JudgementRule, judge, overSeeds, type Quantity } from '../../src/claims/judge.js';
import { type Measurement, meanStatistic, rateMeasurement } from '../../src/claims/metrics/measurement.js';
import { bootstrap, wilsonInterval } from '../../src/statistics/index.js';

const rule: JudgementRule = { metric: 'm', threshold: { atLeast: 0.5 }, level: 0.95 };

const singletons = (n: number): string[] => Array.from({ length: n }, (_, i) => `source-${i}`);

const resampled = (measurement: Measurement): TaskResult => {
  try {
    return resample(measurement, 2000);
  } catch (error) {
    if (!(error instanceof ComputationError)) throw error;
    return { state: 'failed', message: error.message };
  }
};

const measured = (...measurements: Measurement[]): Quantity =>
  overSeeds(
    measurements.map((_, index) => 100 + index),
    measurements.map(resampled),
  );

const meanOf = (values: ArrayLike<number>, clusters = singletons(values.length)): Measurement => ({
  n: values.length,
  clusters,
  statistic: meanStatistic(values),
  details: {},
});

const rateOf = (successes: number, n: number, clusters = singletons(n)): Measurement =>
  rateMeasurement(
    clusters,
    clusters.map((_, i) => (i < successes ? 1 : 0)),
    clusters.map(() => 1),
  );

const judgeAlone = (claim: Quantity, over: Partial<JudgementRule> = {}) =>
  judge({ ...rule, ...over }, 'holds', claim, []).own;

const uniform = (n: number, seed: number): number[] => {
  const random = createRandom(seed);
  return Array.from({ length: n }, () => random.next());
};

describe('the interval of a judgement', () => {
  it('is Wilson’s for a rate under one seed with a source for each prompt', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), fc.nat(60), (n, k) => {
        const successes = Math.min(n, k);
        expect(judgeAlone(measured(rateOf(successes, n))).interval).toEqual(
          wilsonInterval(successes, n, 0.95),
        );
      }),
      { numRuns: 15 },
    );
  });

  it('is never a point for a rate of 1, unlike the bootstrap’s', () => {
    const { interval } = judgeAlone(measured(rateOf(64, 64)));
    expect(interval?.[0]).toBeGreaterThan(0.9);
    expect(interval?.[0]).toBeLessThan(1);
  });

  it('is never a point for a rate of 1 under several seeds either, nor narrower than one seed’s', () => {
    const { interval } = judgeAlone(measured(rateOf(64, 64), rateOf(64, 64), rateOf(64, 64)));
    expect(interval).toEqual(wilsonInterval(64, 64, 0.95));
  });

  it('is the clustered bootstrap’s for a rate whose prompts share sources', () => {
    const clusters = Array.from({ length: 60 }, (_, i) => `source-${Math.floor(i / 3)}`);
    const { interval } = judgeAlone(measured(rateOf(30, 60, clusters)));
    const expected = bootstrap({
      clusters,
      statistic: rateOf(30, 60, clusters).statistic,
      seed: 'bootstrap',
    });
    expect(interval).toEqual(expected.interval);
    const wilson = wilsonInterval(30, 60, 0.95);
    expect((interval?.[1] ?? 0) - (interval?.[0] ?? 0)).toBeGreaterThan(1.3 * (wilson[1] - wilson[0]));
  });

  it('is the bootstrap’s for a rate under several seeds, and for what is no rate', () => {
    const two = judgeAlone(measured(rateOf(20, 40), rateOf(30, 40)));
    const [fewer, more] = [rateOf(20, 40).statistic, rateOf(30, 40).statistic];
    const both = (weights: Float64Array) => (fewer(weights) + more(weights)) / 2;
    expect(two.interval).toEqual(
      bootstrap({ clusters: singletons(40), statistic: both, seed: 'bootstrap' }).interval,
    );
    expect(two.interval?.[0]).toBeLessThan(two.estimate ?? 0);
    const values = uniform(40, 1);
    const { interval, estimate } = judgeAlone(measured(meanOf(values)));
    const expected = bootstrap({
      clusters: singletons(40),
      statistic: meanStatistic(values),
      seed: 'bootstrap',
    });
    expect(interval).toEqual(expected.interval);
    expect(estimate).toBe(expected.estimate);
  });

  it('is as wide as the level asks', () => {
    const claim = measured(meanOf(uniform(50, 2)));
    const [narrow, wide] = [judgeAlone(claim, { level: 0.8 }), judgeAlone(claim, { level: 0.99 })];
    expect(narrow.interval?.[0]).toBeGreaterThan(wide.interval?.[0] ?? 1);
    expect(narrow.level).toBe(0.8);
  });
});

describe('several seeds', () => {
  it('are averaged in estimate and details, and told one by one', () => {
    const withDetails = (values: number[], flips: number): Measurement => ({
      ...meanOf(values),
      details: { flips },
    });
    const judgement = judgeAlone(measured(withDetails([0, 1, 1, 1], 10), withDetails([0, 0, 0, 1], 20)));
    expect(judgement.seedEstimates).toEqual([0.75, 0.25]);
    expect(judgement.estimate).toBeCloseTo(0.5, 12);
    expect(judgement.details).toEqual({ flips: 15 });
    expect(judgement.seeds).toEqual([100, 101]);
    expect(judgement.n).toBe(4);
  });
});

describe('a control', () => {
  const control = (values: Quantity, expected: 'holds' | 'breaks' = 'breaks') =>
    ({ id: 'sft', expected, quantity: values }) as const;

  it('that equals the claim differs by exactly 0 in every draw, and is not beaten', () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, atLeast) => {
        const claim = measured(meanOf(uniform(30, seed)));
        const threshold = atLeast ? { atLeast: 0.5 } : { atMost: 0.5 };
        const [row] = judge({ ...rule, threshold }, 'holds', claim, [control(claim)]).controls;
        expect(row?.difference).toBe(0);
        expect(row?.differenceInterval).toEqual([0, 0]);
        expect(row?.beaten).toBe(false);
      }),
      { numRuns: 5 },
    );
  });

  it('is paired with the claim: a small constant gap is beaten though the intervals overlap', () => {
    const values = uniform(50, 3);
    const lower = values.map((value) => value - 0.01);
    const { own, controls } = judge(rule, 'holds', measured(meanOf(values)), [
      control(measured(meanOf(lower))),
    ]);
    const [row] = controls;
    expect(row?.interval?.[1]).toBeGreaterThan(own.interval?.[0] ?? 1);
    expect(row?.difference).toBeCloseTo(0.01, 10);
    expect(row?.differenceInterval?.[0]).toBeCloseTo(0.01, 10);
    expect(row?.differenceInterval?.[1]).toBeCloseTo(0.01, 10);
    expect(row?.beaten).toBe(true);
  });

  it('of an atMost claim is beaten from below', () => {
    const low = measured(meanOf(uniform(50, 4).map((value) => value / 10)));
    const high = measured(meanOf(uniform(50, 5)));
    const atMost = { ...rule, threshold: { atMost: 0.1 } };
    expect(judge(atMost, 'holds', low, [control(high)]).controls[0]?.beaten).toBe(true);
    expect(judge(atMost, 'holds', high, [control(low)]).controls[0]?.beaten).toBe(false);
    expect(judge(rule, 'holds', high, [control(low)]).controls[0]?.beaten).toBe(true);
  });

  it('is judged by its own expectation', () => {
    const claim = measured(meanOf([0.9, 0.91, 0.92, 0.93]));
    const surprise = judge(rule, 'holds', claim, [control(claim, 'breaks')]).controls[0];
    expect(surprise).toMatchObject({ verdict: 'holds', expected: 'breaks', outcome: 'fail' });
    expect(judge(rule, 'holds', claim, [control(claim, 'holds')]).controls[0]?.outcome).toBe('pass');
  });

  it('that could not be measured is an error row that says why, and is not beaten', () => {
    const failed: Quantity = { state: 'failed', seeds: [100], message: 'no prompt to judge' };
    const { own, controls } = judge(rule, 'holds', measured(meanOf(uniform(20, 6))), [control(failed)]);
    expect(own.verdict).not.toBe('error');
    expect(controls[0]).toMatchObject({
      id: 'sft',
      verdict: 'error',
      outcome: 'error',
      error: 'no prompt to judge',
      estimate: null,
      interval: null,
      difference: null,
      differenceInterval: null,
      beaten: false,
      seeds: [100],
    });
  });

  it('whose statistic is undefined is an error row, and so is a claim’s', () => {
    const undefinedMean: Measurement = { ...meanOf(uniform(20, 7)), statistic: () => Number.NaN };
    const fine = measured(meanOf(uniform(20, 7)));
    const row = judge(rule, 'holds', fine, [control(measured(undefinedMean))]).controls[0];
    expect(row?.verdict).toBe('error');
    expect(row?.error).toContain('NaN');
    const { own, controls } = judge(rule, 'holds', measured(undefinedMean), [control(fine)]);
    expect(own.outcome).toBe('error');
    expect(controls[0]).toMatchObject({ difference: null, beaten: false });
    expect(controls[0]?.verdict).not.toBe('error');
  });

  it('whose statistic is undefined in too many draws is an error row', () => {
    const rare = rateMeasurement(singletons(40), [1], [1]);
    expect(
      judge(rule, 'holds', measured(meanOf(uniform(40, 8))), [control(measured(rare))]).controls[0]?.error,
    ).toContain('undefined in');
  });
});

describe('a rate', () => {
  it('counts only the prompts on trial', () => {
    const rate = rateMeasurement(singletons(4), [1, 1, 0, 1], [1, 0, 1, 1], { flips: 3 });
    expect(rate.counts).toEqual({ successes: 2, trials: 3 });
    expect(rate.statistic(new Float64Array([1, 1, 1, 1]))).toBeCloseTo(2 / 3, 12);
    expect(rate.statistic(new Float64Array([0, 5, 1, 1]))).toBeCloseTo(1 / 2, 12);
    expect(rate.statistic(new Float64Array([0, 5, 0, 0]))).toBeNaN();
  });

  it('over no prompt cannot be computed', () => {
    expect(() => rateMeasurement(singletons(3), [1, 1, 1], [0, 0, 0])).toThrow(ComputationError);
  });
});
