/** What a baseline may hold: the schema of its file, and of its copy in a report. */

import { z } from 'zod';
import type { Baseline } from '../../claims/index.js';

/** One entry. */
export const acceptedCase = z.strictObject({
  id: z.string().min(1),
  experiment: z.string().min(1).nullable(),
  comparison: z
    .union([
      z.strictObject({ kind: z.literal('against'), experiment: z.string() }),
      z.strictObject({ kind: z.literal('trend'), experiments: z.array(z.string()) }),
    ])
    .nullable(),
  verdict: z.enum(['holds', 'breaks', 'inconclusive']),
  estimate: z.number(),
  band: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low <= high, { message: 'the low end lies above the high end' }),
  dsteer: z.string(),
  engine: z.string(),
  seeds: z.array(z.int().min(0)),
  note: z.string().exactOptional(),
});

export const baselineSchema: z.ZodType<Baseline> = z.strictObject({
  schema: z.literal(1),
  targets: z.array(z.string()),
  claims: z.array(acceptedCase),
});
