import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ComputationError, createRandom, InputError, UsageError } from '../../src/base/index.js';
import {
  bootstrap,
  differenceOfBootstraps,
  pairedDifference,
  quantile,
  standardDeviation,
  type WeightedStatistic,
  weightedRatio,
} from '../../src/statistics/index.js';

const meanOf =
  (values: ArrayLike<number>): WeightedStatistic =>
  (weights) => {
    let sum = 0;
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      sum += (weights[i] as number) * (values[i] as number);
      total += weights[i] as number;
    }
    return sum / total;
  };

const normals = (count: number, seed: number | string): Float64Array => {
  const random = createRandom(seed);
  return Float64Array.from({ length: count }, () => random.normal());
};

const indices = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('the bootstrap', () => {
  it('should repeat itself for a seed, and differ between seeds', () => {
    const statistic = meanOf(normals(40, 1));
    const run = (seed: number) => bootstrap({ clusters: indices(40), statistic, draws: 200, seed });
    expect(run(1)).toEqual(run(1));
    expect(run(1).draws).not.toEqual(run(2).draws);
  });

  it('should draw whole clusters, as many as there are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 6, maxLength: 30 }),
        fc.nat(),
        (extra, seed) => {
          const clusters = [0, 1, ...extra].map((name) => `document ${name}`);
          const count = new Set(clusters).size;
          bootstrap({
            clusters,
            draws: 20,
            seed,
            statistic: (weights) => {
              const byCluster = new Map<string, number>();
              weights.forEach((weight, i) => {
                const name = clusters[i] as string;
                expect(byCluster.get(name) ?? weight).toBe(weight);
                byCluster.set(name, weight);
              });
              expect([...byCluster.values()].reduce((sum, weight) => sum + weight, 0)).toBe(count);
              return 0;
            },
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  it('should be the ordinary bootstrap where every cluster has one prompt, whatever the names', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), (n, seed) => {
        const values = normals(n, seed);
        const options = { statistic: meanOf(values), draws: 50, seed };
        const clustered = bootstrap({ ...options, clusters: indices(n).map((i) => `prompt ${i}`) });
        // The ordinary bootstrap, written out: n prompts drawn with replacement.
        const random = createRandom(seed).fork('bootstrap');
        const plain = Float64Array.from({ length: 50 }, () => {
          let sum = 0;
          for (let i = 0; i < n; i++) sum += values[random.integer(n)] as number;
          return sum / n;
        });
        clustered.draws.forEach((value, draw) => {
          expect(value).toBeCloseTo(plain[draw] as number, 10);
        });
        expect(clustered.interval[0]).toBeCloseTo(quantile(plain, 0.025), 10);
        expect(clustered.interval[1]).toBeCloseTo(quantile(plain, 0.975), 10);
      }),
      { numRuns: 20 },
    );
  });

  it('should widen where prompts of a document say the same thing', () => {
    const perDocument = normals(50, 7);
    const values = Float64Array.from({ length: 500 }, (_, i) => perDocument[Math.floor(i / 10)] as number);
    const statistic = meanOf(values);
    const clustered = bootstrap({
      clusters: indices(500).map((i) => Math.floor(i / 10)),
      statistic,
      seed: 1,
      draws: 500,
    });
    const naive = bootstrap({ clusters: indices(500), statistic, seed: 1, draws: 500 });
    expect(clustered.standardError / naive.standardError).toBeGreaterThan(2.5);
    expect(clustered.standardError).toBeCloseTo(standardDeviation(perDocument) / Math.sqrt(50), 1);
  });

  it('should cover the true mean of skewed data between 93 and 97 times in a hundred', () => {
    const [trials, n] = [800, 80];
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const random = createRandom(`coverage ${trial}`);
      const values = Float64Array.from({ length: n }, () => random.next() + 0.5 * random.next() ** 2);
      const { interval } = bootstrap({
        clusters: indices(n),
        statistic: meanOf(values),
        draws: 300,
        seed: trial,
      });
      const truth = 0.5 + 0.5 / 3;
      if (interval[0] <= truth && truth <= interval[1]) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.93);
    expect(covered / trials).toBeLessThan(0.97);
  });

  it('should cover the true mean of clustered data, which ignoring the clusters does not', () => {
    const [trials, documents, each] = [600, 100, 3];
    let covered = 0;
    let naive = 0;
    for (let trial = 0; trial < trials; trial++) {
      const random = createRandom(`clustered coverage ${trial}`);
      const effects = Float64Array.from({ length: documents }, () => random.normal());
      const clusters = indices(documents * each).map((i) => Math.floor(i / each));
      const values = clusters.map((document) => (effects[document] as number) + 0.5 * random.normal());
      const options = { statistic: meanOf(values), draws: 200, seed: trial };
      const holdsZero = ([low, high]: readonly [number, number]): boolean => low <= 0 && 0 <= high;
      if (holdsZero(bootstrap({ ...options, clusters }).interval)) covered++;
      if (holdsZero(bootstrap({ ...options, clusters: indices(values.length) }).interval)) naive++;
    }
    expect(covered / trials).toBeGreaterThan(0.93);
    expect(covered / trials).toBeLessThan(0.97);
    expect(naive / trials).toBeLessThan(0.8);
  });

  it('should leave undefined draws out and count them, and refuse when they are many', () => {
    const clusters = indices(30);
    const needs =
      (first: number): WeightedStatistic =>
      (weights) => {
        const held = weights.slice(0, first).reduce((sum, weight) => sum + weight, 0);
        return held === 0 ? Number.NaN : held;
      };
    // 30 prompts miss 3 given ones in 0.9^30 = 4 % of the draws, and a single one in 36 %.
    const result = bootstrap({ clusters, statistic: needs(3), seed: 3, draws: 1000 });
    expect(result.dropped).toBeGreaterThan(0);
    expect(result.draws.filter((value) => Number.isNaN(value)).length).toBe(result.dropped);
    expect(result.interval.every((end) => end >= 1)).toBe(true);
    expect(() => bootstrap({ clusters, statistic: needs(1), seed: 3 })).toThrow(ComputationError);
    expect(() => bootstrap({ clusters, statistic: needs(1), seed: 3 })).toThrow(/of 2000 resamples/);
    expect(() => bootstrap({ clusters, statistic: () => Number.NaN, seed: 3 })).toThrow(/on all prompts/);
  });

  it('should refuse what cannot be resampled', () => {
    const statistic = () => 1;
    expect(() => bootstrap({ clusters: ['a', 'a'], statistic, seed: 1 })).toThrow(InputError);
    expect(() => bootstrap({ clusters: [1, 2], statistic, seed: 1, draws: 0 })).toThrow(UsageError);
    expect(() => bootstrap({ clusters: [1, 2], statistic, seed: 1, level: 95 })).toThrow(
      /between 0 and 1, not at 95/,
    );
  });
});

describe('paired differences', () => {
  it('should be nothing at all for a statistic and itself', () => {
    const statistic = meanOf(normals(30, 1));
    const { estimate, interval } = pairedDifference({
      clusters: indices(30),
      a: statistic,
      b: statistic,
      seed: 1,
    });
    expect([estimate, ...interval]).toEqual([0, 0, 0]);
  });

  it('should tell a small constant difference from noise that both share', () => {
    const noise = normals(100, 2);
    const a = meanOf(noise.map((value) => value + 0.01));
    const b = meanOf(noise);
    const options = { clusters: indices(100), seed: 5, draws: 400 };
    const paired = pairedDifference({ ...options, a, b });
    expect(paired.interval[0]).toBeCloseTo(0.01, 10);
    const [own, other] = [bootstrap({ ...options, statistic: a }), bootstrap({ ...options, statistic: b })];
    expect(own.interval[0]).toBeLessThan(other.interval[1]);
    const difference = differenceOfBootstraps(own, other);
    expect(difference.interval[0]).toBeCloseTo(paired.interval[0], 10);
    expect(difference.estimate).toBeCloseTo(0.01, 10);
  });

  it('should cover a true difference of means and of ratios between 93 and 97 times in a hundred', () => {
    const [trials, n] = [600, 100];
    const [shift, rates] = [0.3, [0.7, 0.5] as const];
    const covered = { means: 0, ratios: 0 };
    const holds = ([low, high]: readonly [number, number], truth: number): number =>
      low <= truth && truth <= high ? 1 : 0;
    for (let trial = 0; trial < trials; trial++) {
      const random = createRandom(`paired coverage ${trial}`);
      const shared = normals(n, `shared ${trial}`);
      const [a, b] = [shared.map((value) => value + shift + 0.4 * random.normal()), shared];
      const options = { clusters: indices(n), draws: 200, seed: trial };
      covered.means += holds(pairedDifference({ ...options, a: meanOf(a), b: meanOf(b) }).interval, shift);
      // A rate among the prompts that count, as the share of flips undone is.
      const counts = indices(n).map(() => (random.next() < 0.6 ? 1 : 0));
      const rateOf = (rate: number): WeightedStatistic => {
        const hits = counts.map((count) => (random.next() < rate ? count : 0));
        return (weights) => weightedRatio(hits, counts, weights);
      };
      const [first, second] = [rateOf(rates[0]), rateOf(rates[1])];
      covered.ratios += holds(
        pairedDifference({ ...options, a: first, b: second }).interval,
        rates[0] - rates[1],
      );
    }
    for (const share of [covered.means / trials, covered.ratios / trials]) {
      expect(share).toBeGreaterThan(0.93);
      expect(share).toBeLessThan(0.97);
    }
  });

  it('should drop a draw that either statistic leaves undefined', () => {
    const clusters = indices(60);
    const sometimes: WeightedStatistic = (weights) =>
      weights.slice(0, 4).every((weight) => weight === 0) ? Number.NaN : 1;
    const options = { clusters, seed: 1, draws: 1000 };
    const a = bootstrap({ ...options, statistic: sometimes });
    const b = bootstrap({ ...options, statistic: () => 1 });
    expect(a.dropped).toBeGreaterThan(0);
    expect(differenceOfBootstraps(b, a).dropped).toBe(a.dropped);
  });

  it('should refuse to pair different resamples', () => {
    const statistic = () => 1;
    const a = bootstrap({ clusters: [1, 2, 3], statistic, seed: 1, draws: 10 });
    for (const other of [
      { clusters: [1, 2, 3], seed: 2, draws: 10 },
      { clusters: [1, 2, 3], seed: 1, draws: 11 },
      { clusters: [1, 2, 2, 3], seed: 1, draws: 10 },
      { clusters: [1, 2, 2], seed: 1, draws: 10 },
    ]) {
      expect(() => differenceOfBootstraps(a, bootstrap({ ...other, statistic }))).toThrow(UsageError);
    }
    expect(() =>
      differenceOfBootstraps(
        bootstrap({ clusters: [1, 1, 2, 3], statistic, seed: 1, draws: 10 }),
        bootstrap({ clusters: [1, 2, 2, 3], statistic, seed: 1, draws: 10 }),
      ),
    ).toThrow(/resamples differ/);
  });
});
