/** Greedy continuations of held-out prompts under base + λv, up to the λ where they fall apart, and beyond. */
import { ComputationError } from '../../base/index.js';
import type { EncodedPreference } from '../../data/index.js';
import { generate, type LanguageModel } from '../../model/index.js';
import { interventionHooks } from '../../steering/index.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';

/** Continuations are this long, or end at a token that ends the text. */
export const newTokens = 12;
/** Held-out prompts continued, evenly spread over all of them. */
export const continuedPrompts = 96;

/** A text counts as degenerate if fewer than this share of its tokens differ from one another, or it is empty. */
const leastDistinct = 0.5;
/** The ceiling: this share of the texts is degenerate. */
export const ceilingShare = 0.5;

const largestLambda = 64;
const smallestLambda = 1 / 8;
/** Halvings, in ratio, of the interval that holds the ceiling. */
const refinements = 2;

export const isDegenerate = (text: ArrayLike<number>): boolean =>
  text.length === 0 || new Set(Array.from(text)).size < leastDistinct * text.length;

/** Indices of the prompts that are continued. */
export const promptsContinued = ({ data }: SeedEvidence): number[] => {
  const n = data.heldOut.length;
  const count = Math.min(continuedPrompts, n);
  return Array.from({ length: count }, (_, k) => Math.floor((k * n) / count));
};

/** The vector of each prompt of the held-out set, in float32. */
export type VectorFor = (index: number) => Float32Array;

/** Continues prompts, steered at the final hidden state from the last prompt token on; without a vector as the model is. */
export const continueTexts = async (
  model: LanguageModel,
  prompts: readonly EncodedPreference[],
  indices: readonly number[],
  steering?: { readonly vectorFor: VectorFor; readonly lambda: number },
): Promise<Int32Array[]> => {
  const texts = new Map<number, Int32Array>();
  const groups = new Map<Float32Array | undefined, number[]>();
  for (const index of indices) {
    const vector = steering?.vectorFor(index);
    groups.set(vector, [...(groups.get(vector) ?? []), index]);
  }
  for (const [vector, group] of groups) {
    const continued = await generate(
      model,
      group.map((index) => prompts[index]?.prompt ?? new Int32Array()),
      {
        maxNewTokens: newTokens,
        ...(vector && steering
          ? {
              interventions: (promptLengths: readonly number[]) =>
                interventionHooks(
                  model,
                  [{ kind: 'add', at: 'postNorm', vector, lambda: steering.lambda, positions: 'completion' }],
                  promptLengths,
                ),
            }
          : {}),
      },
    );
    group.forEach((index, k) => {
      texts.set(index, continued[k] ?? new Int32Array());
    });
  }
  return indices.map((index) => texts.get(index) ?? new Int32Array());
};

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

const shareOf = ({ degenerate }: SteeredTexts): number =>
  degenerate.reduce((sum, value) => sum + value, 0) / degenerate.length;

/**
 * Tries λ = 0 and 1, doubles or halves it until degenerate texts cross `ceilingShare`, and closes in on the crossing. λ belongs
 * to a vector: each is searched by itself.
 *
 * @returns the points tried, in ascending order of λ
 * @throws ComputationError if texts are degenerate without any steering
 */
export const searchCeiling = async (
  textsAt: (lambda: number) => Promise<readonly Int32Array[]>,
): Promise<SteeredTexts[]> => {
  const points: SteeredTexts[] = [];
  const tryLambda = async (lambda: number): Promise<boolean> => {
    const texts = await textsAt(lambda);
    const point = {
      lambda,
      texts,
      degenerate: Uint8Array.from(texts, (text) => (isDegenerate(text) ? 1 : 0)),
    };
    points.push(point);
    return shareOf(point) >= ceilingShare;
  };
  if (await tryLambda(0)) {
    throw new ComputationError(
      'the base repeats itself without any steering, so that no λ can be told to be too much',
    );
  }
  const tooFar = await tryLambda(1);
  let [low, high] = [1, 1];
  if (tooFar) {
    for (low /= 2; low >= smallestLambda && (await tryLambda(low)); low /= 2) high = low;
  } else {
    for (high *= 2; high <= largestLambda && !(await tryLambda(high)); high *= 2) low = high;
  }
  if (high <= largestLambda && low >= smallestLambda) {
    for (let k = 0; k < refinements; k++) {
      const middle = Math.sqrt(low * high);
      if (await tryLambda(middle)) high = middle;
      else low = middle;
    }
  }
  return points.sort((a, b) => a.lambda - b.lambda);
};
