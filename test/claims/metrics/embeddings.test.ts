import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { measureOnPrompts, type PromptMetric, type Subject } from '../../../src/claims/metrics/index.js';
import { startEngine, tf } from '../../../src/engine/index.js';
import { dot } from '../../../src/linalg/index.js';
import type { LanguageModel } from '../../../src/model/index.js';
import { createTinyLlama, tinyConfig } from '../../activations/tiny-llama.js';
import { isotropicRows, normalVector, ones, sum, syntheticEvidence } from '../synthetic-evidence.js';

const { hiddenSize: d, vocabularySize } = tinyConfig;
const n = 96;
const noise = 0.6;
let base: LanguageModel;
/** The same model with other embeddings. */
let moved: LanguageModel;

beforeAll(async () => {
  await startEngine('auto');
  base = createTinyLlama();
  moved = base.clone();
  const random = createRandom('embeddings');
  const E = moved.variables.get(moved.embeddingName);
  const shift = tf.tensor2d(
    Float32Array.from({ length: vocabularySize * d }, () => noise * 0.3 * random.normal()),
    [vocabularySize, d],
  );
  if (E !== undefined) tf.tidy(() => E.assign(tf.add(E, shift)));
  shift.dispose();
});
afterAll(() => {
  base.dispose();
  moved.dispose();
});

/** A policy whose final states are base + v, under the embeddings of `head`. */
const evidenceWith = async (head: LanguageModel): Promise<SeedEvidence> => {
  const vector = normalVector(createRandom('v'), d, 2);
  const states = isotropicRows(n, d, 'base');
  const random = createRandom('tokens');
  const tokens = states.map(() => {
    const chosen = random.integer(vocabularySize);
    return { chosen, rejected: (chosen + 1 + random.integer(vocabularySize - 1)) % vocabularySize };
  });
  const evidence = await syntheticEvidence({
    model: base,
    base: states,
    policies: { dpo: states.map((row) => sum(row, vector)) },
    tokens,
  });
  const unembedding = await head.unembedding().data();
  const row = (token: number) => unembedding.slice(token * d, (token + 1) * d);
  const policy = evidence.variant('dpo');
  const margins = Float64Array.from(tokens, ({ chosen, rejected }, i) => {
    const h = policy.hidden.postNorm.subarray(i * d, (i + 1) * d);
    return dot(h, row(chosen)) - dot(h, row(rejected));
  });
  return { ...evidence, variant: () => ({ ...policy, model: head, margins }) };
};

const measure = async (metric: PromptMetric, head: LanguageModel, subject: Subject = 'claim') => {
  const measurement = await measureOnPrompts[metric](
    { evidence: await evidenceWith(head), layers: 'final' },
    subject,
  );
  return { ...measurement, estimate: measurement.statistic(ones(n)) };
};

describe('embeddings that stayed', () => {
  it('have no drift, and the law of the initial ones is the law', async () => {
    expect((await measure('embedding-drift', base)).estimate).toBe(0);
    expect((await measure('gradient-law-initial-agreement', base)).estimate).toBe(1);
    expect((await measure('flips-undone-base-head', base)).estimate).toBe(
      (await measure('flips-undone', base)).estimate,
    );
  });
});

describe('embeddings that moved', () => {
  it('have the drift ‖ΔE‖/‖E‖', async () => {
    const { estimate, details, statistic } = await measure('embedding-drift', moved);
    const [before, after] = await Promise.all([base.unembedding().data(), moved.unembedding().data()]);
    const difference = Float64Array.from(after, (value, i) => value - (before[i] ?? 0));
    expect(estimate).toBeCloseTo(Math.sqrt(dot(difference, difference) / dot(before, before)), 6);
    expect(estimate).toBeGreaterThan(0.3);
    expect(details).toEqual({ embedding: estimate, unembedding: estimate });
    expect(statistic(new Float64Array(n))).toBe(estimate);
  });

  it('leave the law of the current ones true, and break that of the initial ones', async () => {
    expect((await measure('gradient-law-agreement', moved)).estimate).toBe(1);
    expect((await measure('gradient-law-initial-agreement', moved)).estimate).toBe(0);
    expect((await measure('gradient-law-initial-agreement', moved, 'current-embeddings')).estimate).toBe(1);
  });

  it('are told apart from the hidden states by putting the base’s head back', async () => {
    const own = await measure('flips-undone', moved);
    const back = await measure('flips-undone-base-head', moved);
    expect(back.estimate).toBe(1);
    expect(own.estimate).toBeLessThan(0.9);
    expect(back.details['flips']).toBe(own.details['flips']);
    expect(back.details['undoneByHeadAlone']).toBeLessThan(1);
  });
});
