import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import {
  measureInterpolationAccuracy,
  measureInterpolationMargin,
} from '../../../src/claims/metrics/interpolation.js';
import { startEngine } from '../../../src/engine/index.js';
import { dot } from '../../../src/linalg/index.js';
import type { LanguageModel } from '../../../src/model/index.js';
import { createTinyLlama, tinyConfig } from '../../activations/tiny-llama.js';
import {
  isotropicRows,
  normalVector,
  ones,
  sum,
  syntheticEvidence,
  withVectorsReversed,
} from '../synthetic-evidence.js';

const { hiddenSize: d, vocabularySize } = tinyConfig;
const n = 120;
let model: LanguageModel;
let embedding: (token: number) => Float64Array;

beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
  const unembedding = await model.unembedding().data();
  embedding = (token) => Float64Array.from(unembedding.slice(token * d, (token + 1) * d));
});
afterAll(() => model.dispose());

const vector = normalVector(createRandom('v'), d, 2);
const pairs = () => {
  const random = createRandom('pairs');
  return Array.from({ length: n }, () => {
    const a = random.integer(vocabularySize);
    const b = (a + 1 + random.integer(vocabularySize - 1)) % vocabularySize;
    return dot(vector, embedding(a)) > dot(vector, embedding(b))
      ? { chosen: a, rejected: b }
      : { chosen: b, rejected: a };
  });
};
/** A policy that is exactly base + v, where v favours every chosen token. */
const evidenceOf = (): Promise<SeedEvidence> => {
  const base = isotropicRows(n, d, 'base');
  return syntheticEvidence({
    model,
    base,
    policies: { dpo: base.map((row) => sum(row, vector)) },
    tokens: pairs(),
  });
};
const final = (evidence: SeedEvidence) => ({ evidence, layers: 'final' as const });

describe('interpolation-smallest-rise', () => {
  it('is a quarter of ⟨v, e_w − e_l⟩ on one-token pairs: there the margin is linear in λ', async () => {
    const { statistic, details } = await measureInterpolationMargin(final(await evidenceOf()), 'claim');
    const slopes = pairs().map(({ chosen, rejected }) =>
      dot(vector, sum(embedding(chosen), embedding(rejected), -1)),
    );
    expect(statistic(ones(n))).toBeCloseTo(slopes.reduce((a, b) => a + b, 0) / n / 4, 4);
    const second = Float64Array.from({ length: n }, (_, i) => (i === 1 ? 1 : 0));
    expect(statistic(second)).toBeCloseTo((slopes[1] ?? 0) / 4, 4);
    expect(Object.keys(details)).toHaveLength(9);
    expect(details['at1.00']).toBeGreaterThan(details['at-1.00'] ?? 0);
  });

  it('is negative once v* points the other way, and beats random directions', async () => {
    const evidence = await evidenceOf();
    const turned = await measureInterpolationMargin(final(withVectorsReversed(evidence)), 'claim');
    expect(turned.statistic(ones(n))).toBeLessThan(0);
    const random = await measureInterpolationMargin(final(evidence), 'random-directions');
    expect(random.statistic(ones(n))).toBeLessThan(
      (await measureInterpolationMargin(final(evidence), 'claim')).statistic(ones(n)) / 2,
    );
    expect(random.details['rankP']).toBeCloseTo(1 / 21, 12);
  });
});

describe('interpolation-accuracy-rise', () => {
  it('is the smallest of the four rises of accuracy', async () => {
    const { statistic, details } = await measureInterpolationAccuracy(final(await evidenceOf()), 'claim');
    const points = ['at-1.00', 'at-0.50', 'at0.00', 'at0.50', 'at1.00'].map(
      (name) => details[name] ?? Number.NaN,
    );
    const rises = points.slice(1).map((value, k) => value - (points[k] ?? 0));
    expect(statistic(ones(n))).toBeCloseTo(Math.min(...rises), 12);
    expect(Math.min(...rises)).toBeGreaterThan(0);
    for (const value of points) expect(value).toBeLessThanOrEqual(1);
  });
});
