import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComputationError, createRandom } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { measureLambdaCeiling, measurePerplexityRise } from '../../../src/claims/metrics/oversteering.js';
import { interventionsByPrompt } from '../../../src/claims/metrics/steered-policy.js';
import {
  ceilingOf,
  continuedPrompts,
  continueTexts,
  newTokens,
  promptsContinued,
  searchCeiling,
} from '../../../src/claims/metrics/steered-texts.js';
import { startEngine, tf } from '../../../src/engine/index.js';
import { createLlama, type LanguageModel } from '../../../src/model/index.js';
import { tinyConfig } from '../../activations/tiny-llama.js';
import { isotropicRows, ones, sum, syntheticEvidence } from '../synthetic-evidence.js';

const { hiddenSize: d } = tinyConfig;
const n = 100;
let model: LanguageModel;
let evidence: SeedEvidence;

/** Steering along e_w of token 7: with enough of it, nothing else is written. */
const evidenceOf = async (): Promise<SeedEvidence> => {
  const unembedding = await model.unembedding().data();
  const seven = Float64Array.from(unembedding.slice(7 * d, 8 * d));
  const base = isotropicRows(n, d, 'base');
  const made = await syntheticEvidence({
    model,
    base,
    policies: { dpo: base.map((row) => sum(row, seven, 0.5)) },
  });
  const random = createRandom('prompts');
  const heldOut = made.data.heldOut.map((tuple) => ({
    ...tuple,
    prompt: Int32Array.from({ length: 2 + random.integer(4) }, () =>
      random.integer(tinyConfig.vocabularySize),
    ),
  }));
  return { ...made, data: { ...made.data, heldOut } };
};

beforeAll(async () => {
  await startEngine('auto');
  // Untied, with wide weights: its greedy texts seldom repeat themselves.
  model = createLlama({ ...tinyConfig, initializerRange: 1, tied: false }, 5);
  evidence = await evidenceOf();
});
afterAll(() => model.dispose());

const point = (lambda: number, degenerate: readonly number[]) => ({
  lambda,
  texts: [],
  degenerate: Uint8Array.from(degenerate),
});

describe('the ceiling of a vector', () => {
  it('lies where half of the texts are degenerate, between the points tried, under any weights', () => {
    const points = [point(1, [0, 0, 0, 0]), point(2, [1, 0, 0, 0]), point(4, [1, 1, 1, 0])];
    expect(ceilingOf(points, ones(4))).toBeCloseTo(3, 12);
    // The first prompt alone is degenerate from λ = 2 on.
    expect(ceilingOf(points, Float64Array.of(1, 0, 0, 0))).toBeCloseTo(1.5, 12);
    expect(ceilingOf(points, Float64Array.of(0, 0, 0, 1))).toBe(4);
    expect(ceilingOf([point(0, [0, 0]), point(1, [1, 1])], ones(2))).toBeCloseTo(0.5, 12);
    expect(ceilingOf([point(1, [1, 1])], ones(2))).toBe(1);
    expect(ceilingOf(points, new Float64Array(4))).toBeNaN();
  });

  it.each([0.2, 0.7, 1, 1.3, 3, 11, 40])('is found by search wherever it is: %f', async (ceiling) => {
    const good = Int32Array.of(1, 2, 3, 4);
    const bad = Int32Array.of(1, 1, 1, 1);
    const points = await searchCeiling(async (lambda) =>
      Array.from({ length: 10 }, () => (lambda >= ceiling ? bad : good)),
    );
    const found = ceilingOf(points, ones(10));
    expect(found).toBeGreaterThan(ceiling / 1.3);
    expect(found).toBeLessThan(ceiling * 1.3);
    expect(points.length).toBeLessThanOrEqual(11);
    expect(points.map(({ lambda }) => lambda)).toContain(1);
  });

  it('cannot be told of a model that repeats itself anyway', async () => {
    await expect(searchCeiling(async () => [Int32Array.of(1, 1, 1)])).rejects.toThrow(ComputationError);
  });

  it('is told as the largest λ tried where texts never degenerate', async () => {
    const points = await searchCeiling(async () => [Int32Array.of(1, 2, 3, 4)]);
    expect(ceilingOf(points, ones(1))).toBe(64);
  });
});

describe('steered texts', () => {
  it('are those of the model as it is at λ = 0, and say one thing only at a large one', async () => {
    const indices = promptsContinued(evidence);
    expect(new Set(indices).size).toBe(continuedPrompts);
    const { heldOut } = evidence.data;
    const at = (lambda: number) =>
      interventionsByPrompt(evidence, model, (site) => evidence.vectors('dpo', site), lambda);
    const plain = await continueTexts(model, heldOut, indices);
    const before = tf.memory().numTensors;
    expect(await continueTexts(model, heldOut, indices, at(0))).toEqual(plain);
    const pushed = await continueTexts(model, heldOut, indices, at(500));
    expect(tf.memory().numTensors).toBe(before);
    for (const text of pushed) expect([...text]).toEqual(new Array(newTokens).fill(7));
  });
});

describe('texts of an experiment', () => {
  const steered = (steering: SeedEvidence['experiment']['steering']): SeedEvidence => ({
    ...evidence,
    experiment: { ...evidence.experiment, steering },
  });
  const textsOf = (own: SeedEvidence): Promise<Int32Array[]> =>
    continueTexts(
      model,
      own.data.heldOut,
      promptsContinued(own),
      interventionsByPrompt(own, model, (site) => own.vectors('dpo', site), 3),
    );

  it('are steered where it says', async () => {
    const [final, first] = [
      await textsOf(steered({ layers: 'final', kind: 'add' })),
      await textsOf(steered({ layers: 1, kind: 'add' })),
    ];
    expect(await textsOf(evidence)).toEqual(final);
    expect(first).not.toEqual(final);
  });

  it('have no ceiling where a direction is only taken out', async () => {
    const ablated = steered({ layers: 'final', kind: 'ablate' });
    await expect(measureLambdaCeiling({ evidence: ablated, layers: 'final' }, 'claim')).rejects.toThrow(
      ComputationError,
    );
  });
});

describe('lambda-ceiling and oversteering-perplexity-rise', () => {
  it('have one value a prompt that is continued, and belong to the vector: half of it takes twice the λ', async () => {
    const context = { evidence, layers: 'final' as const };
    const ceiling = await measureLambdaCeiling(context, 'claim');
    expect(ceiling.n).toBe(continuedPrompts);
    expect(ceiling.clusters).toHaveLength(continuedPrompts);
    const found = ceiling.statistic(ones(continuedPrompts));
    const { vectors } = evidence;
    const halved: SeedEvidence = {
      ...evidence,
      vectors: (name, site) => {
        const own = vectors(name, site);
        const halves = [0, 1].map((index) => own.steering(index).map((value) => value / 2));
        return { ...own, steering: (index) => halves[index % 2] ?? new Float32Array() };
      },
    };
    const half = await measureLambdaCeiling({ evidence: halved, layers: 'final' }, 'claim');
    expect(found).toBeGreaterThan(0.1);
    expect(half.statistic(ones(continuedPrompts)) / found).toBeGreaterThan(1.6);
    expect(half.statistic(ones(continuedPrompts)) / found).toBeLessThan(2.5);
  });

  it('compare texts past the ceiling with those below it by what the base thinks of them', async () => {
    const rise = await measurePerplexityRise({ evidence, layers: 'final' }, 'claim');
    const estimate = rise.statistic(ones(continuedPrompts));
    expect(estimate).toBeCloseTo(
      (rise.details['pastCeiling'] ?? 0) - (rise.details['belowCeiling'] ?? 0),
      10,
    );
    expect(rise.details['belowCeiling']).toBeGreaterThan(0);
    expect(rise.details['lambdaBelow']).toBe(Math.min(1, (rise.details['ceiling'] ?? 0) / 4));
    expect(rise.details['ceiling']).toBe(
      (await measureLambdaCeiling({ evidence, layers: 'final' }, 'claim')).statistic(ones(continuedPrompts)),
    );
  });

  it('search each of a few random directions by itself', async () => {
    const random = await measureLambdaCeiling({ evidence, layers: 'final' }, 'random-directions');
    expect(random.details['vectors']).toBe(3);
    expect(random.statistic(ones(continuedPrompts))).toBeGreaterThan(0);
  });
});
