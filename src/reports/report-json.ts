/** `report.json` and `manifest.json`: the report model itself, and what made it. */

import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/index.js';
import type { RunReport } from '../claims/index.js';
import { acceptedCase, baselineSchema } from './baseline/baseline-schema.js';
import { completeOldReport } from './old-report.js';

/** JSON has no NaN and no infinity; where a number is missing the reader finds `null`, never a lie. */
const finiteOrNull = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? null : value;

/** Pretty JSON, keys in the order of the model, numbers in full float64 precision, one line feed at the end. */
export const toJson = (value: unknown): string => `${JSON.stringify(value, finiteOrNull, 2)}\n`;

export const reportJson = (report: RunReport): string => toJson(report);

const expected = z.enum(['holds', 'breaks']);
const verdict = z.enum(['holds', 'breaks', 'inconclusive', 'error']);
const outcome = z.enum(['pass', 'fail', 'inconclusive', 'error']);
const interval = z.tuple([z.number(), z.number()]);
const numberOrNaN = z.union([z.number(), z.nan()]);

const judgement = z.looseObject({
  id: z.string(),
  title: z.string(),
  expected,
  verdict,
  outcome,
  metric: z.string(),
  threshold: z.union([z.object({ atLeast: z.number() }), z.object({ atMost: z.number() })]),
  estimate: z.number().nullable(),
  interval: interval.nullable(),
  level: z.number(),
  n: z.number(),
  seeds: z.array(z.number()),
  seedEstimates: z.array(numberOrNaN),
  seedSd: z.number().nullable(),
  details: z.record(z.string(), numberOrNaN),
  counterexample: z.object({ seed: z.number(), path: z.string(), value: z.string() }).exactOptional(),
  error: z.string().exactOptional(),
});

const control = judgement.extend({
  role: z.enum(['control', 'companion']),
  difference: z.number().nullable(),
  differenceInterval: interval.nullable(),
  beaten: z.boolean(),
});

const comparison = z.union([
  z.object({ kind: z.literal('against'), experiment: z.string(), paired: z.boolean() }),
  z.object({ kind: z.literal('trend'), experiments: z.array(z.string()) }),
]);

const standing = z.union([
  z.object({ state: z.literal('new') }),
  acceptedCase
    .pick({ verdict: true, estimate: true, band: true })
    .extend({ state: z.enum(['within', 'left', 'verdict']) }),
]);

const claim = judgement.extend({
  location: z.looseObject({ file: z.string(), line: z.number() }).exactOptional(),
  source: z.string(),
  statement: z.string(),
  experiment: z.string().nullable(),
  comparison: comparison.nullable(),
  population: z.string(),
  reason: z.string(),
  family: z.enum(['headline', 'screen', 'none']),
  pValue: z.number().nullable(),
  adjustedP: z.number().nullable(),
  specific: z.boolean(),
  controls: z.array(control),
  baseline: standing.exactOptional(),
});

const cell = z.looseObject({
  estimate: z.number().nullable(),
  interval: interval.nullable(),
  seedEstimates: z.array(numberOrNaN),
  difference: z.number().nullable(),
  differenceInterval: interval.nullable(),
  paired: z.boolean(),
  details: z.record(z.string(), numberOrNaN),
  error: z.string().exactOptional(),
});

const table = z.looseObject({
  id: z.string(),
  title: z.string(),
  baseline: z.string(),
  metrics: z.array(z.looseObject({ id: z.string(), title: z.string() })),
  rows: z.array(
    z.looseObject({
      experiment: z.string(),
      label: z.string(),
      n: z.number(),
      seeds: z.array(z.number()),
      parameters: z.number().nullable(),
      cells: z.array(cell),
    }),
  ),
});

const schema: z.ZodType<RunReport> = z.looseObject({
  schema: z.literal(1),
  run: z.looseObject({
    dsteer: z.string(),
    targets: z.array(z.string()),
    engine: z.string(),
    seeds: z.array(z.number()),
    startedAt: z.string(),
    finishedAt: z.string(),
    seconds: z.number(),
    shard: z
      .looseObject({
        index: z.number(),
        count: z.number(),
        claims: z.array(z.number()),
        tables: z.array(z.number()),
        whole: z.looseObject({ claims: z.number(), tables: z.number(), seeds: z.array(z.number()) }),
      })
      .exactOptional(),
  }),
  claims: z.array(claim),
  tables: z.array(table),
  totals: z.object({ pass: z.number(), fail: z.number(), inconclusive: z.number(), error: z.number() }),
  baseline: z
    .looseObject({
      file: z.string(),
      accepted: baselineSchema,
      missing: z.array(acceptedCase.pick({ id: true, experiment: true, comparison: true })),
      notes: z.array(z.string()),
    })
    .exactOptional(),
});

/** Undoes `finiteOrNull` where the model has numbers only. */
const nullAsNaN = (key: string, value: unknown): unknown => {
  const restore = (item: unknown): unknown => (item === null ? Number.NaN : item);
  if (key === 'seedEstimates' && Array.isArray(value)) return value.map(restore);
  if (key !== 'details' || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, restore(item)]));
};

const reportPath = async (path: string): Promise<string> => {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? join(path, 'report.json') : path;
};

/** The folder of a run, which is given by that folder or by its `report.json`. */
export const runFolderOf = async (path: string): Promise<string> => dirname(await reportPath(path));

/**
 * Reads a finished run.
 *
 * @param path a run's folder, or its `report.json`
 * @throws InputError where there is no report, or it is not one of schema 1
 */
export const readReport = async (path: string): Promise<RunReport> => {
  const file = await reportPath(path);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InputError('there is no readable report here', {
      where: { file },
      hint: 'give the folder of a finished run: the one that `dsteer verify --out` wrote',
      cause,
    });
  });
  let value: unknown;
  try {
    value = completeOldReport(JSON.parse(text, nullAsNaN));
  } catch (cause) {
    throw new InputError('this report is not JSON', { where: { file }, cause });
  }
  const read = schema.safeParse(value);
  if (!read.success) {
    const faults = read.error.issues
      .slice(0, 5)
      .map(({ path: at, message }) => `${at.join('.')}: ${message}`);
    throw new InputError(`this is not a dsteer report of schema 1\n  ${faults.join('\n  ')}`, {
      where: { file },
    });
  }
  // Not `read.data`, in which zod has sorted the keys by its schema.
  return value as RunReport;
};
