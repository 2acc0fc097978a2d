/** What is timed: a case is one size of one thing; a subject is a file of them. */

/** A case that stands ready, its data made and its model loaded. */
export interface PreparedCase {
  /** One run, finished when it resolves: engines that compute behind the caller's back are waited for. */
  run(): Promise<unknown>;
  dispose(): void | Promise<void>;
}

export interface BenchmarkCase {
  /** What is timed, without its size: one line of the chart. */
  readonly series: string;
  /** The size in words, such as `d = 128`. */
  readonly size: string;
  /** The size as a number: where the case stands on the chart's axis. */
  readonly scale: number;
  /** Times the thing is done in one run; timings are of one of them. Default 1. */
  readonly repeats?: number;
  /** Floating-point operations in matrix products, of one: they set the floor. */
  readonly flops?: number;
  /** Tokens of one. */
  readonly tokens?: number;
  /** Replicas that compute it, on an engine that has them. Default 1. */
  readonly replicas?: number;
  /** Too long to be repeated: a first run is all there is. */
  readonly isSingle?: boolean;
  prepare(): Promise<PreparedCase>;
}

export interface Subject {
  readonly name: string;
  readonly title: string;
  /** What the chart's horizontal axis is. */
  readonly axis: string;
  readonly cases: readonly BenchmarkCase[];
  /** Computed by linear algebra on the processor in float64, whatever the engine. */
  readonly isLinearAlgebra?: boolean;
}

/** A case's full name, which `--filter` looks in. */
export const caseName = (subject: string, { series, size }: Pick<BenchmarkCase, 'series' | 'size'>): string =>
  `${subject}/${series} ${size}`;

/** A case without its size. */
export type SizelessCase = Omit<BenchmarkCase, 'size' | 'scale'>;

/** A case at a width d. */
export const atWidth = (width: number, sizeless: SizelessCase): BenchmarkCase => ({
  ...sizeless,
  size: `d = ${width}`,
  scale: width,
});
