/**
 * `charts.json` of a job's folder: what people would rather look at, and `report.json` does not hold. Every part is optional:
 * what is missing is not drawn.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../base/index.js';

/** Values that a number may be in JSON; missing ones are gaps in the drawing. */
const value = z.number().nullable();
const band = z.tuple([z.number(), z.number()]);

const layer = z.object({
  /** 1 … L: the output of that block; `post-norm` is the final hidden state. */
  site: z.union([z.number().int().positive(), z.literal('post-norm')]),
  /** Of ΔH there, uncentred. */
  sigma2OverSigma1: value,
  /** −Σ p ln p with p = σ²/Σσ², as a share of ln min(n, d). */
  spectralEntropyShare: value,
  /** 95 % of what the null of the same n and d gives. */
  nullSigma2OverSigma1: band.exactOptional(),
  nullSpectralEntropyShare: band.exactOptional(),
});

const spectrum = z.object({
  site: layer.shape.site,
  /** Descending; the first few dozen are enough. */
  singularValues: z.array(z.number()),
  /** The same of the null. */
  nullSingularValues: z.array(z.number()).exactOptional(),
});

const sweepPoint = z.object({
  lambda: z.number(),
  /** Mean preference margin of base + λv*, nats. */
  margin: value.exactOptional(),
  marginInterval: band.exactOptional(),
  accuracy: value.exactOptional(),
  /** BLEU of the texts against the policy's, 0 … 1. */
  bleu: value.exactOptional(),
  /** Mean toxicity, 0 … 1. */
  toxicity: value.exactOptional(),
  /** Perplexity of the texts under the base. */
  perplexity: value.exactOptional(),
  /** Share of degenerate texts. */
  degenerate: value.exactOptional(),
});

const writer = z.enum(['base', 'steered', 'policy', 'inverted']);

const textSample = z.object({
  prompt: z.string(),
  base: z.string(),
  /** Base + `steeredLambda` · v*. */
  steered: z.string(),
  steeredLambda: z.number(),
  policy: z.string(),
  /** Policy + `invertedLambda` · v*, a negative number. */
  inverted: z.string(),
  invertedLambda: z.number(),
  /** Which of the four are degenerate. */
  degenerate: z.array(writer).exactOptional(),
});

const chartDataSchema = z.object({
  schema: z.literal(1),
  experiment: z.string(),
  seed: z.number(),
  /** cos(Δh_i, v*) of held-out prompts at the final hidden state, v* from the other fold, by policy. */
  cosines: z
    .array(
      z.object({
        subject: z.enum(['dpo', 'sft', 'shuffled-labels', 'flipped-labels', 'placebo-noise']),
        values: z.array(z.number()),
      }),
    )
    .exactOptional(),
  layers: z.object({ rows: z.array(layer), null: z.string().exactOptional() }).exactOptional(),
  spectra: z.array(spectrum).exactOptional(),
  sweep: z
    .object({
      points: z.array(sweepPoint),
      /** λ from which half of the texts are degenerate. */
      ceiling: value.exactOptional(),
      n: z.number(),
    })
    .exactOptional(),
  /** Preference margins (nats) of the same held-out prompts, in the same order. */
  margins: z
    .object({ base: z.array(z.number()), policy: z.array(z.number()), inverted: z.array(z.number()) })
    .exactOptional(),
  samples: z.array(textSample).exactOptional(),
});

export type ChartData = z.output<typeof chartDataSchema>;
export type LayerPoint = z.output<typeof layer>;
export type Spectrum = z.output<typeof spectrum>;
export type SweepPoint = z.output<typeof sweepPoint>;
export type TextSample = z.output<typeof textSample>;

export const CHART_DATA_FILE = 'charts.json';

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** The content of a file that may be absent. */
export const readIfPresent = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new InputError('this file cannot be read', { where: { file }, cause: error });
  }
};

/**
 * Reads the chart data of a job.
 *
 * @returns nothing where the folder has none
 * @throws InputError where the file is not chart data of schema 1
 */
export const readChartData = async (folder: string): Promise<ChartData | undefined> => {
  const file = join(folder, CHART_DATA_FILE);
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new InputError('these chart data are not JSON', { where: { file }, cause });
  }
  const read = chartDataSchema.safeParse(parsed);
  if (read.success) return read.data;
  const faults = read.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new InputError(`these are not chart data of schema 1\n  ${faults.join('\n  ')}`, { where: { file } });
};
