/** Whether anything has become slower: a gate that holds across machines. */
import { caseName } from './case.js';
import type { BenchmarkReport, BenchmarkResult, MeasuredCase } from './results.js';

export type CaseComparison =
  | {
      readonly state: 'compared';
      readonly name: string;
      readonly engine: string;
      /** `toGemm` before and now, and now by before. */
      readonly before: number;
      readonly now: number;
      readonly ratio: number;
      /** The ratio, if either median lay at the end of its interval that flatters the other. */
      readonly interval: readonly [number, number];
      readonly isSlower: boolean;
    }
  | { readonly state: 'missing'; readonly name: string; readonly engine: string; readonly reason: string };

const keyOf = (result: BenchmarkResult): string => `${result.engine} ${caseName(result.subject, result)}`;

/** Interval of `toGemm`: that of the median, in units of the same process's product. */
const relativeInterval = ({ medianMs, medianInterval, toGemm }: MeasuredCase): [number, number] => [
  (toGemm * medianInterval[0]) / medianMs,
  (toGemm * medianInterval[1]) / medianMs,
];

/**
 * Compares cases of `before` with those of `now`, each as a multiple of a 512³ product timed in its own process, so that
 * a faster or slower machine changes nothing. A case is slower where even the low end of the ratio's interval exceeds
 * 1 + tolerance.
 *
 * @param tolerance share by which a case may be slower: noise, and what processors differ in beyond the speed of products
 */
export const compareReports = (
  before: BenchmarkReport,
  now: BenchmarkReport,
  tolerance: number,
): CaseComparison[] => {
  const current = new Map(now.results.map((result) => [keyOf(result), result]));
  const engines = new Map(now.engines.map((engine) => [engine.name, engine]));
  return before.results.flatMap((old): CaseComparison[] => {
    const name = caseName(old.subject, old);
    const found = current.get(keyOf(old));
    const engine = engines.get(old.engine);
    if (old.state === 'failed') return [];
    if (found === undefined) {
      const reason = engine?.state === 'skipped' ? engine.reason : 'not timed in this run';
      return [{ state: 'missing', name, engine: old.engine, reason }];
    }
    if (found.state === 'failed')
      return [{ state: 'missing', name, engine: old.engine, reason: found.message }];
    const [oldLow, oldHigh] = relativeInterval(old);
    const [low, high] = relativeInterval(found);
    const interval = [low / oldHigh, high / oldLow] as const;
    return [
      {
        state: 'compared',
        name,
        engine: old.engine,
        before: old.toGemm,
        now: found.toGemm,
        ratio: found.toGemm / old.toGemm,
        interval,
        isSlower: interval[0] > 1 + tolerance,
      },
    ];
  });
};
