/** Timings as a table: for a terminal, and in Markdown for a README. */
import { printable } from '../base/index.js';
import type {
  BenchmarkEngine,
  BenchmarkReport,
  BenchmarkResult,
  CaseComparison,
  MeasuredCase,
} from '../benchmarks/index.js';
import { formatSeconds } from './format.js';
import type { Style } from './style.js';
import { alignColumns } from './text.js';

/** Three digits that count. */
const digits = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);

const orDash = (value: number | null, format: (value: number) => string = digits): string =>
  value === null ? '–' : format(value);

const header = [
  'case',
  'engine',
  'median ms',
  'p99 ms',
  '± %',
  'first ms',
  'GFLOP/s',
  'tokens/s',
  '× floor',
  'peak MiB',
  '',
];
const isNumber = header.map((_, column) => column >= 2 && column <= 9);

const cellsOf = (result: MeasuredCase): string[] => [
  digits(result.medianMs),
  digits(result.p99Ms),
  orDash(result.marginOfError, (value) => value.toFixed(1)),
  digits(result.firstMs),
  orDash(result.gflops),
  orDash(result.tokensPerSecond, (value) => Math.round(value).toLocaleString('en-US')),
  orDash(result.toGemmFloor, (value) => value.toFixed(2)),
  String(result.peakMemoryMiB),
];

const nameOf = ({ series, size }: BenchmarkResult): string => `${series}, ${size}`;

const rowOf = (result: BenchmarkResult): string[] => {
  const start = [`  ${nameOf(result)}`, result.engine];
  if (result.state === 'failed') return [...start, `✗ ${printable(result.message).slice(0, 60)}`];
  const { doubts } = result;
  return [...start, ...cellsOf(result), doubts.length === 0 ? '' : `? ${doubts.join(', ')}`];
};

/** Cases of a subject, each size and series together over the engines. */
const bySubject = ({ results }: BenchmarkReport): Map<string, BenchmarkResult[]> => {
  const subjects = new Map<string, BenchmarkResult[]>();
  for (const result of results)
    subjects.set(result.subject, [...(subjects.get(result.subject) ?? []), result]);
  for (const [subject, some] of subjects) {
    const order = [...new Set(some.map(nameOf))];
    subjects.set(
      subject,
      some.toSorted((a, b) => order.indexOf(nameOf(a)) - order.indexOf(nameOf(b))),
    );
  }
  return subjects;
};

const describeEngine = (engine: BenchmarkEngine): string => {
  if (engine.state === 'skipped') return `✗ ${engine.name}: ${printable(engine.reason)}`;
  const software = engine.isSoftware ? ' (a program, not a GPU: these timings say nothing of one)' : '';
  return `✓ ${engine.name}: ${printable(engine.details)}${software}`;
};

const legend =
  'median and p99 of one; ± margin of error of the mean; × floor: against the time of its matrix products alone at this engine’s GEMM speed in the same process; ? a timing not to be trusted, and why';

export const renderBenchmarks = (report: BenchmarkReport, style: Style): string => {
  const { run, engines } = report;
  const rows = [...bySubject(report)].flatMap(([subject, results]) => [[subject], ...results.map(rowOf)]);
  const [head = '', ...lines] = alignColumns([header, ...rows], isNumber);
  return [
    style.bold(`dsteer ${run.dsteer} · ${run.cores} cores of ${printable(run.cpu)} · Node ${run.node}`),
    ...engines.map(describeEngine),
    '',
    style.dim(head),
    ...lines,
    '',
    style.dim(legend),
    `in ${formatSeconds(run.seconds)}`,
    '',
  ].join('\n');
};

/** Before and now as multiples of a 512³ product of the same process. */
export const renderRegressions = (comparisons: readonly CaseComparison[], style: Style): string => {
  const rows = comparisons.map((one) =>
    one.state === 'missing'
      ? [one.name, one.engine, '–', '–', '–', '', `not compared: ${printable(one.reason)}`]
      : [
          one.name,
          one.engine,
          one.before.toFixed(2),
          one.now.toFixed(2),
          one.ratio.toFixed(2),
          `[${one.interval.map((value) => value.toFixed(2)).join(', ')}]`,
          one.isSlower ? 'SLOWER' : 'ok',
        ],
  );
  const [head = '', ...lines] = alignColumns(
    [['case', 'engine', 'before', 'now', 'ratio', '', ''], ...rows],
    [false, false, true, true, true, false, false],
  );
  return [style.dim(head), ...lines, ''].join('\n');
};
