/** Greedy continuations of held-out prompts under base + λv, up to the λ where they fall apart, and beyond. */
import { isDegenerate, type ScreenOptions } from '../../behaviour/index.js';
import type { EncodedPreference } from '../../data/index.js';
import type { LanguageModel } from '../../model/index.js';
import { findCeiling, generateSteered, type Intervention } from '../../steering/index.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';

/** Continuations are this long, or end at a token that ends the text. */
export const newTokens = 12;
/** Held-out prompts continued, evenly spread over all of them. */
export const continuedPrompts = 64;

/** The ceiling: this share of the texts is degenerate. */
export const ceilingShare = 0.5;

const largestLambda = 64;
/** The search for the ceiling ends at a gap in λ this wide, or this share of λ wide. */
const resolution = 1 / 16;
const relativeResolution = 1 / 4;

/** Indices of prompts evenly spread over all of them: at most `count`. */
export const spreadPrompts = ({ data }: SeedEvidence, count: number): number[] => {
  const n = data.heldOut.length;
  const taken = Math.min(count, n);
  return Array.from({ length: taken }, (_, k) => Math.floor((k * n) / taken));
};

/** Indices of the prompts that are continued. */
export const promptsContinued = (evidence: SeedEvidence): number[] =>
  spreadPrompts(evidence, continuedPrompts);

/** Continues prompts under what is done to each of them; without that, as the model is. */
export const continueTexts = (
  model: LanguageModel,
  prompts: readonly EncodedPreference[],
  indices: readonly number[],
  interventionsFor?: (index: number) => readonly Intervention[],
): Promise<Int32Array[]> =>
  generateSteered(
    model,
    indices.map((index) => prompts[index]?.prompt ?? new Int32Array()),
    {
      maxNewTokens: newTokens,
      ...(interventionsFor ? { interventionsFor: (k: number) => interventionsFor(indices[k] ?? 0) } : {}),
    },
  );

/** How texts of a model are screened: by what ends them, and where they were cut. */
export const screenOf = ({ config }: LanguageModel): ScreenOptions => ({
  ends: config.eosTokenIds,
  maxLength: newTokens,
});

export interface SteeredTexts {
  readonly lambda: number;
  readonly texts: readonly Int32Array[];
  /** 1 where the text is degenerate. */
  readonly degenerate: Uint8Array;
}

/**
 * The λ at which degenerate texts reach `ceilingShare`, linear between the points tried; the smallest of them where they
 * are there from the first on, the largest where that never happens.
 *
 * @param points in ascending order of λ
 * @param weights one a prompt
 */
export const ceilingOf = (points: readonly SteeredTexts[], weights: Float64Array): number => {
  let total = 0;
  for (const weight of weights) total += weight;
  let below: { readonly lambda: number; readonly share: number } | undefined;
  for (const { lambda, degenerate } of points) {
    let share = 0;
    for (let i = 0; i < weights.length; i++) share += (weights[i] as number) * (degenerate[i] as number);
    share /= total;
    if (share >= ceilingShare) {
      if (below === undefined) return lambda;
      return below.lambda + ((lambda - below.lambda) * (ceilingShare - below.share)) / (share - below.share);
    }
    below = { lambda, share };
  }
  return total > 0 && below !== undefined ? below.lambda : Number.NaN;
};

/**
 * Searches for the ceiling from λ = 0 and 1 on (`findCeiling`). λ belongs to a vector: each is searched by itself.
 *
 * @returns the points tried, in ascending order of λ, with λ = 0 and 1 among them
 * @throws ComputationError if half of the texts are degenerate without any steering
 */
export const searchCeiling = async (
  textsAt: (lambda: number) => Promise<readonly Int32Array[]>,
  screen: ScreenOptions = {},
): Promise<SteeredTexts[]> => {
  const points: SteeredTexts[] = [];
  await findCeiling({
    degenerateShareAt: async (lambda) => {
      const texts = await textsAt(lambda);
      const degenerate = Uint8Array.from(texts, (text) => (isDegenerate(text, screen) ? 1 : 0));
      points.push({ lambda, texts, degenerate });
      return degenerate.reduce((sum, value) => sum + value, 0) / degenerate.length;
    },
    threshold: ceilingShare,
    first: 1,
    limit: largestLambda,
    resolution,
    relativeResolution,
  });
  return points.sort((a, b) => a.lambda - b.lambda);
};
