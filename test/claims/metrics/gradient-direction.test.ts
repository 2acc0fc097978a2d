import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import {
  measureGradientDirection,
  measureSteeringAlignment,
} from '../../../src/claims/metrics/gradient-direction.js';
import { startEngine, tf } from '../../../src/engine/index.js';
import { cosine } from '../../../src/linalg/index.js';
import type { LanguageModel } from '../../../src/model/index.js';
import { createTinyLlama, tinyConfig } from '../../activations/tiny-llama.js';
import { isotropicRows, ones, sum, syntheticEvidence, withVectorsReversed } from '../synthetic-evidence.js';

const { hiddenSize: d, vocabularySize } = tinyConfig;
const n = 160;
let model: LanguageModel;
let embedding: (token: number) => number[];

beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
  const unembedding = await model.unembedding().data();
  embedding = (token) => Array.from(unembedding.slice(token * d, (token + 1) * d));
});
afterAll(() => model.dispose());

type Tokens = readonly { readonly chosen: number; readonly rejected: number }[];
const differenceOf = ({ chosen, rejected }: Tokens[number]): number[] =>
  embedding(chosen).map((value, i) => value - (embedding(rejected)[i] ?? 0));

/** A policy moved along each prompt's own e_w − e_l. */
const evidenceOf = (tokens: Tokens): Promise<SeedEvidence> => {
  const base = isotropicRows(tokens.length, d, 'base');
  const dpo = base.map((row, i) => sum(row, differenceOf(tokens[i] ?? { chosen: 0, rejected: 0 })));
  return syntheticEvidence({ model, base, policies: { dpo }, tokens });
};
const samePair: Tokens = Array.from({ length: n }, () => ({ chosen: 3, rejected: 11 }));
const manyPairs = (): Tokens => {
  const random = createRandom('pairs');
  return Array.from({ length: n }, () => {
    const chosen = random.integer(vocabularySize);
    return { chosen, rejected: (chosen + 1 + random.integer(vocabularySize - 1)) % vocabularySize };
  });
};
const estimate = async (
  measure: typeof measureGradientDirection,
  evidence: SeedEvidence,
  subject: Parameters<typeof measureGradientDirection>[1] = 'claim',
): Promise<number> => (await measure({ evidence, layers: 'final' }, subject)).statistic(ones(n));

describe('gradient-direction-cosine', () => {
  it('is 1 where all prompts ask for the same two tokens, whatever their states', async () => {
    expect(await estimate(measureGradientDirection, await evidenceOf(samePair))).toBeCloseTo(1, 4);
  });

  it('is near 0 where labels are shuffled, or tokens have nothing in common', async () => {
    const evidence = await evidenceOf(samePair);
    expect(Math.abs(await estimate(measureGradientDirection, evidence, 'shuffled-labels'))).toBeLessThan(0.3);
    expect(Math.abs(await estimate(measureGradientDirection, evidence, 'other-tokens'))).toBeLessThan(0.3);
    expect(Math.abs(await estimate(measureGradientDirection, await evidenceOf(manyPairs())))).toBeLessThan(
      0.3,
    );
  });

  it('is the cosine of e_w − e_l to its mean over the other fold: at the base every margin is 0', async () => {
    const tokens = manyPairs();
    const { statistic, details } = await measureGradientDirection(
      { evidence: await evidenceOf(tokens), layers: 'final' },
      'claim',
    );
    const meanOf = (fold: number): Float64Array =>
      tokens
        .filter((_, i) => i % 2 === fold)
        .reduce<Float64Array>((total, pair) => sum(total, differenceOf(pair)), new Float64Array(d));
    const means = [meanOf(0), meanOf(1)];
    const cosines = tokens.map((pair, i) => cosine(differenceOf(pair), means[1 - (i % 2)] ?? []));
    expect(statistic(ones(n))).toBeCloseTo(cosines.reduce((a, b) => a + b, 0) / n, 4);
    const third = Float64Array.from({ length: n }, (_, i) => (i === 2 ? 1 : 0));
    expect(statistic(third)).toBeCloseTo(cosines[2] ?? Number.NaN, 4);
    expect(details['foldMeansCosine']).toBeCloseTo(cosine(means[0] ?? [], means[1] ?? []), 4);
    expect(details['prompts']).toBe(n);
  });

  it('leaves no tensor behind', async () => {
    const evidence = await evidenceOf(samePair);
    const before = tf.memory().numTensors;
    await estimate(measureGradientDirection, evidence);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('gradient-steering-alignment', () => {
  it('is 1 where the policy moved along e_w − e_l, −1 against it', async () => {
    const evidence = await evidenceOf(samePair);
    expect(await estimate(measureSteeringAlignment, evidence)).toBeCloseTo(1, 4);
    expect(await estimate(measureSteeringAlignment, withVectorsReversed(evidence))).toBeCloseTo(-1, 4);
  });

  it('is near 0 of random directions and of other tokens', async () => {
    const evidence = await evidenceOf(samePair);
    const random = await measureSteeringAlignment({ evidence, layers: 'final' }, 'random-directions');
    expect(Math.abs(random.statistic(ones(n)))).toBeLessThan(0.2);
    expect(random.details['rankP']).toBeCloseTo(1 / 21, 12);
    expect(Math.abs(await estimate(measureSteeringAlignment, evidence, 'other-tokens'))).toBeLessThan(0.7);
  });
});
