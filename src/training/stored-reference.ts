/** Reference log-probabilities on disk, so that they are computed once for a model, its tokenizer and its data. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { dsteerVersion, silentProgress } from '../base/index.js';
import type { EncodedPreference } from '../data/index.js';
import { activeEngine } from '../engine/index.js';
import { hashParameters, type LanguageModel } from '../model/index.js';
import { sha256Hex, stableJson, writeFileAtomic } from '../store/index.js';
import { hashNumbers } from './hash-data.js';
import { type ReferenceLogps, referenceLogps, type SequenceLogpsOptions } from './sequence-logps.js';

type Pair = Pick<EncodedPreference, 'prompt' | 'chosen' | 'rejected'>;

const fileSchema = z.strictObject({
  schema: z.literal(1),
  /** Hashes of all that decides the numbers. */
  of: z.strictObject({
    dsteer: z.string(),
    engine: z.string(),
    model: z.string(),
    data: z.string(),
    tokenizer: z.string(),
  }),
  chosen: z.array(z.number()),
  rejected: z.array(z.number()),
  /** Of the numbers. */
  sha256: z.string(),
});

type Origin = z.infer<typeof fileSchema>['of'];

export interface StoredReferenceOptions extends SequenceLogpsOptions {
  /** Where files are kept, one for each model, tokenizer and data. */
  readonly folder: string;
  /** SHA-256 of tokenizer.json. */
  readonly tokenizerHash: string;
}

const originOf = async (model: LanguageModel, data: readonly Pair[], tokenizer: string): Promise<Origin> => ({
  dsteer: dsteerVersion,
  engine: activeEngine().name,
  model: sha256Hex(JSON.stringify([model.config, await hashParameters(model, [...model.variables.keys()])])),
  data: hashNumbers(data.flatMap(({ prompt, chosen, rejected }) => [prompt, chosen, rejected])),
  tokenizer,
});

/** What a file holds, or why that cannot be used; undefined where there is no file. */
const readReference = async (
  file: string,
  origin: Origin,
  count: number,
): Promise<ReferenceLogps | string | undefined> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  let parsed: ReturnType<typeof fileSchema.safeParse>;
  try {
    parsed = fileSchema.safeParse(JSON.parse(text));
  } catch {
    return 'it is not JSON';
  }
  if (!parsed.success) return 'it is no file of reference log-probabilities';
  const { of, sha256 } = parsed.data;
  const [chosen, rejected] = [parsed.data.chosen, parsed.data.rejected].map((values) =>
    Float64Array.from(values),
  ) as [Float64Array, Float64Array];
  if (JSON.stringify(of) !== JSON.stringify(origin)) return 'it is of another model, tokenizer or data';
  if (chosen.length !== count || rejected.length !== count || hashNumbers([chosen, rejected]) !== sha256) {
    return 'its numbers are not those that were written';
  }
  return { chosen, rejected };
};

/**
 * `referenceLogps`, read from a file of `folder` where it holds those of this very model, tokenizer and data, and written
 * there otherwise. A file that does not hold what it should is warned of and replaced.
 */
export const storedReferenceLogps = async (
  model: LanguageModel,
  data: readonly Pair[],
  { folder, tokenizerHash, ...options }: StoredReferenceOptions,
): Promise<ReferenceLogps> => {
  const { progress = silentProgress } = options;
  const origin = await originOf(model, data, tokenizerHash);
  const file = join(folder, `reference-logps-${sha256Hex(JSON.stringify(origin)).slice(0, 16)}.json`);
  const stored = await readReference(file, origin, data.length);
  if (typeof stored === 'object') {
    progress.note(`reference log-probabilities of ${data.length} tuples read from ${file}`);
    return stored;
  }
  if (stored !== undefined) progress.warn(`${file} is computed anew: ${stored}`);
  const computed = await referenceLogps(model, data, options);
  const { chosen, rejected } = computed;
  await writeFileAtomic(
    file,
    stableJson({
      schema: 1,
      of: origin,
      chosen: [...chosen],
      rejected: [...rejected],
      sha256: hashNumbers([chosen, rejected]),
    }),
  );
  return computed;
};
