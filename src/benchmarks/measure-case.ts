/** Times one case by tinybench. */
import { Bench } from 'tinybench';
import type { BenchmarkCase } from './case.js';
import type { MeasuredCase } from './results.js';

export type CaseTiming = Pick<
  MeasuredCase,
  'medianMs' | 'medianInterval' | 'p99Ms' | 'marginOfError' | 'samples' | 'firstMs' | 'doubts'
>;

/** At most this much of the mean may its own error be. */
const WIDEST_MARGIN = 10;
/** Fewest runs that say something of each other. */
const FEWEST = 5;

/** Runs at least, by how long the first one took: quick things often, those of seconds a few times. */
const iterationsFor = (firstMs: number): number => {
  if (firstMs > 1000) return 3;
  return firstMs > 150 ? FEWEST : 10;
};

/** 95 % interval of the median: order statistics whose ranks are ± 1.96·√n/2 about the middle. */
export const intervalOfMedian = (sorted: readonly number[]): [number, number] => {
  const n = sorted.length;
  const reach = (1.96 * Math.sqrt(n)) / 2;
  const at = (rank: number): number => sorted[Math.min(n - 1, Math.max(0, rank))] ?? Number.NaN;
  return [at(Math.floor(n / 2 - reach) - 1), at(Math.ceil(n / 2 + reach))];
};

const doubtsOf = (samples: number, marginOfError: number, warned: boolean): string[] => [
  ...(warned ? ['shorter than the clock can tell'] : []),
  ...(samples < FEWEST ? [`${samples} runs`] : []),
  ...(marginOfError > WIDEST_MARGIN ? [`± ${Math.round(marginOfError)} %`] : []),
];

/**
 * Milliseconds of one repeat. The first run stands apart: it compiles and allocates.
 *
 * @param budgetMs runs go on for that long, and for a least number of them
 */
export const timeCase = async (benchmarkCase: BenchmarkCase, budgetMs: number): Promise<CaseTiming> => {
  const { repeats = 1, isSingle = false } = benchmarkCase;
  const { run, dispose } = await benchmarkCase.prepare();
  try {
    const start = performance.now();
    await run();
    const firstMs = (performance.now() - start) / repeats;
    if (isSingle) {
      return {
        medianMs: firstMs,
        medianInterval: [firstMs, firstMs],
        p99Ms: firstMs,
        marginOfError: null,
        samples: 1,
        firstMs,
        doubts: ['1 run'],
      };
    }
    const bench = new Bench({
      time: budgetMs,
      iterations: iterationsFor(firstMs * repeats),
      warmupIterations: 1,
      warmupTime: 0,
      retainSamples: true,
      throws: true,
    });
    let warned = false;
    bench.addEventListener('warning', () => {
      warned = true;
    });
    bench.add('case', run);
    const [task] = await bench.run();
    if (task?.result.state !== 'completed') throw new Error(`tinybench ended as ${task?.result.state}`);
    const { latency } = task.result;
    const sorted = [...(latency.samples ?? [])].map((sample) => sample / repeats).sort((a, b) => a - b);
    return {
      medianMs: latency.p50 / repeats,
      medianInterval: intervalOfMedian(sorted),
      p99Ms: latency.p99 / repeats,
      marginOfError: latency.rme,
      samples: sorted.length,
      firstMs,
      doubts: doubtsOf(sorted.length, latency.rme, warned),
    };
  } finally {
    await dispose();
  }
};
