import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComputationError, createRandom } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { measureOnPrompts } from '../../../src/claims/metrics/index.js';
import { randomDirectionCount } from '../../../src/claims/metrics/random-directions.js';
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
const final = (evidence: SeedEvidence) => ({ evidence, layers: 'final' as const });
const recoveries = ['flips-installed', 'flips-undone', 'margin-recovery', 'energy-recovery'] as const;

let model: LanguageModel;
let unembedding: ArrayLike<number>;

beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
  unembedding = await model.unembedding().data();
});
afterAll(() => model.dispose());

/** Pairs of tokens, ordered so that `vector` favours the chosen one. */
const favouredBy = (vector: Float64Array, seed: string) => {
  const random = createRandom(seed);
  const logit = (token: number) => dot(vector, Array.from(unembedding).slice(token * d, (token + 1) * d));
  return Array.from({ length: n }, () => {
    const a = random.integer(vocabularySize);
    const b = (a + 1 + random.integer(vocabularySize - 1)) % vocabularySize;
    return logit(a) > logit(b) ? { chosen: a, rejected: b } : { chosen: b, rejected: a };
  });
};

/** A policy whose final states are base + v and a little noise. */
const shifted = (seed: string, noise = 0): Promise<SeedEvidence> => {
  const vector = normalVector(createRandom(`${seed} v`), d, 2);
  const base = isotropicRows(n, d, `${seed} base`);
  const scatter = isotropicRows(n, d, `${seed} noise`);
  const sft = base.map((row, i) => sum(row, scatter[i] ?? []));
  return syntheticEvidence({
    model,
    base,
    policies: { dpo: base.map((row, i) => sum(sum(row, vector), scatter[i] ?? [], noise)), sft },
    tokens: favouredBy(vector, seed),
  });
};

const measure = async (
  evidence: SeedEvidence,
  metric: (typeof recoveries)[number] | 'accuracy-gain',
  subject: 'claim' | 'random-directions' | 'sft' = 'claim',
) => {
  const measurement = await measureOnPrompts[metric](final(evidence), subject);
  return { ...measurement, estimate: measurement.statistic(ones(n)) };
};

describe('a policy that is exactly base + v', () => {
  it.each(recoveries)('recovers fully by %s', async (metric) => {
    for (const seed of ['a', 'b', 'c']) {
      const { estimate, n: prompts, clusters } = await measure(await shifted(seed), metric);
      expect(estimate).toBeCloseTo(1, 4);
      expect([prompts, clusters.length]).toEqual([n, n]);
    }
  });

  it('does not once v* points the other way: flips stay, margin and energy end further off', async () => {
    const turned = withVectorsReversed(await shifted('a'));
    expect((await measure(turned, 'flips-installed')).estimate).toBe(0);
    expect((await measure(turned, 'flips-undone')).estimate).toBe(0);
    // 1 − |2 Δm| / |Δm| and 1 − ‖2 Δh‖² / ‖Δh‖².
    expect((await measure(turned, 'margin-recovery')).estimate).toBeCloseTo(-1, 3);
    expect((await measure(turned, 'energy-recovery')).estimate).toBeCloseTo(-3, 3);
  });

  it('says how many preferences changed, and counts no others', async () => {
    const evidence = await shifted('a');
    const policy = evidence.variant('dpo').margins;
    const changed = Array.from(evidence.base.margins).filter(
      (margin, i) => margin > 0 !== (policy[i] ?? 0) > 0,
    );
    expect(changed.length).toBeGreaterThan(10);
    expect(changed.length).toBeLessThan(n);
    for (const metric of ['flips-installed', 'flips-undone'] as const) {
      const { details, counts } = await measure(evidence, metric);
      expect(details['flips']).toBe(changed.length);
      expect(counts).toEqual({ successes: changed.length, trials: changed.length });
    }
  });

  it('gains accuracy by the prompts it changed', async () => {
    const { estimate, details } = await measure(await shifted('a'), 'accuracy-gain');
    expect(details['before']).toBeGreaterThan(0);
    expect(estimate).toBeCloseTo((details['after'] ?? 0) - (details['before'] ?? 0), 12);
    expect(estimate).toBeGreaterThan(0.1);
  });
});

describe('recovery', () => {
  it('falls as prompts scatter around v, as 1 minus the scatter’s share for energy', async () => {
    let last = 1;
    for (const noise of [0.2, 0.6, 1.5]) {
      const evidence = await shifted('a', noise);
      const { estimate } = await measure(evidence, 'energy-recovery');
      const delta = evidence.displacement('dpo', 'postNorm').data;
      const energy = dot(delta, delta);
      expect(estimate).toBeLessThan(last);
      expect(estimate).toBeCloseTo(1 - (n * d * noise ** 2) / energy, 1);
      last = estimate;
    }
  });

  it('is an aggregate over prompts: a draw without a prompt leaves its term out of both sums', async () => {
    const evidence = await shifted('a', 1);
    const { statistic } = await measure(evidence, 'energy-recovery');
    const delta = evidence.displacement('dpo', 'postNorm').data;
    const { judging } = evidence.vectors('dpo', 'postNorm');
    const terms = Array.from({ length: n }, (_, i) => {
      const row = delta.subarray(i * d, (i + 1) * d);
      const left = sum(row, judging(i), -1);
      return { residual: dot(left, left), total: dot(row, row) };
    });
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: n, maxLength: n }), (weights) => {
        fc.pre(weights.some((weight) => weight > 0));
        const weighted = (key: 'residual' | 'total') =>
          terms.reduce((total, term, i) => total + (weights[i] ?? 0) * term[key], 0);
        expect(statistic(Float64Array.from(weights))).toBeCloseTo(
          1 - weighted('residual') / weighted('total'),
          8,
        );
      }),
      { numRuns: 30 },
    );
  });

  it('of a control is that of its own policy with its own vector', async () => {
    const evidence = await shifted('a');
    for (const metric of ['margin-recovery', 'energy-recovery'] as const) {
      expect((await measure(evidence, metric, 'sft')).estimate).toBeLessThan(0.2);
    }
  });

  it.each(recoveries)('by %s is beyond all random directions of the same norm', async (metric) => {
    const { details, estimate } = await measure(await shifted('a', 0.2), metric, 'random-directions');
    expect(details['directions']).toBe(randomDirectionCount);
    expect(details['rankP']).toBeCloseTo(1 / (randomDirectionCount + 1), 12);
    expect(details['highest']).toBeGreaterThanOrEqual(estimate);
    expect(details['highest']).toBeLessThan((await measure(await shifted('a', 0.2), metric)).estimate);
  });

  it('of energy by random directions is near −1: twice the energy is left', async () => {
    const { estimate } = await measure(await shifted('a'), 'energy-recovery', 'random-directions');
    expect(Math.abs(estimate + 1)).toBeLessThan(0.3);
  });

  it('where no preference changed cannot be computed', async () => {
    const base = isotropicRows(n, d, 'same');
    const evidence = await syntheticEvidence({ model, base, policies: { dpo: base } });
    await expect(measure(evidence, 'flips-undone')).rejects.toThrow(ComputationError);
    expect((await measure(evidence, 'accuracy-gain')).estimate).toBe(0);
  });
});
