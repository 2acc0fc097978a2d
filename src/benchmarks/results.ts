/** `bench.json`: what was timed, on what, and how far each timing can be trusted. */
import { z } from 'zod';
import { InputError } from '../base/index.js';
import { readJsonObject } from '../store/index.js';

const identity = {
  engine: z.string(),
  subject: z.string(),
  series: z.string(),
  size: z.string(),
  scale: z.number(),
};

const measuredSchema = z.object({
  state: z.literal('measured'),
  ...identity,
  /** Milliseconds of one, over `samples` runs. */
  medianMs: z.number().positive(),
  /** 95 % interval of the median, by order statistics: it assumes nothing of the distribution. */
  medianInterval: z.tuple([z.number(), z.number()]),
  p99Ms: z.number().positive(),
  /** Relative margin of error of the mean at 99 %, in percent; `null` of a single run. */
  marginOfError: z.number().nullable(),
  samples: z.int().positive(),
  /** The first run, which compiles and allocates; not among the samples. */
  firstMs: z.number().positive(),
  /** In matrix products; `null` where there are none to speak of. */
  gflops: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  /** `medianMs` against the time that its matrix products would take at this engine's GEMM speed in the same process. */
  toGemmFloor: z.number().nullable(),
  /** `medianMs` against one 512³ product of this engine in the same process: what two machines can compare. */
  toGemm: z.number().positive(),
  /** Peak resident memory of the process so far, MiB. */
  peakMemoryMiB: z.number(),
  /** Why the timing is not to be trusted; empty where it is. */
  doubts: z.array(z.string()),
});

const failedSchema = z.object({ state: z.literal('failed'), ...identity, message: z.string() });

const resultSchema = z.discriminatedUnion('state', [measuredSchema, failedSchema]);

const engineSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('ran'),
    name: z.string(),
    details: z.string(),
    /** The adapter is a program: its timings say nothing of a GPU. */
    isSoftware: z.boolean(),
  }),
  z.object({ state: z.literal('skipped'), name: z.string(), reason: z.string() }),
]);

export const benchmarkReportSchema = z.object({
  schema: z.literal(1),
  run: z.object({
    dsteer: z.string(),
    node: z.string(),
    platform: z.string(),
    cpu: z.string(),
    cores: z.number(),
    startedAt: z.string(),
    seconds: z.number(),
  }),
  engines: z.array(engineSchema),
  results: z.array(resultSchema),
});

export type MeasuredCase = z.infer<typeof measuredSchema>;
export type BenchmarkResult = z.infer<typeof resultSchema>;
export type BenchmarkEngine = z.infer<typeof engineSchema>;
export type BenchmarkReport = z.infer<typeof benchmarkReportSchema>;

/** @throws InputError where the file is missing, no JSON, or of another form */
export const readBenchmarkReport = async (file: string): Promise<BenchmarkReport> => {
  const parsed = benchmarkReportSchema.safeParse(await readJsonObject(file));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(`not a benchmark report: ${issue?.path.join('.')}: ${issue?.message}`, {
    where: { file },
    hint: 'give a bench.json that `dsteer bench` wrote',
  });
};
