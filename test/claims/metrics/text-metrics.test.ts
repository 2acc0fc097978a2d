import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComputationError, createRandom } from '../../../src/base/index.js';
import {
  bleuOfStatistics,
  bleuStatistics,
  rouge,
  shippedToxicityLexicon,
} from '../../../src/behaviour/index.js';
import { crossFitted } from '../../../src/claims/evidence/cross-fitted-vectors.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { measureLambdaCeiling } from '../../../src/claims/metrics/oversteering.js';
import { continuedPrompts } from '../../../src/claims/metrics/steered-texts.js';
import { measureBleuFall, measureRougeFall } from '../../../src/claims/metrics/text-overlap.js';
import { measureTextFlipsUndone } from '../../../src/claims/metrics/text-preference.js';
import { searchesOf, textOf } from '../../../src/claims/metrics/text-searches.js';
import { measureToxicityRise } from '../../../src/claims/metrics/text-toxicity.js';
import type { Tokenizer } from '../../../src/data/index.js';
import { startEngine } from '../../../src/engine/index.js';
import { createLlama, type LanguageModel } from '../../../src/model/index.js';
import { tinyConfig } from '../../activations/tiny-llama.js';
import { isotropicRows, ones, sum, syntheticEvidence } from '../synthetic-evidence.js';

const { hiddenSize: d, vocabularySize } = tinyConfig;
const n = 100;
let model: LanguageModel;
let unembedding: Float32Array;
/** Steered by half of e_w of token 7. */
let evidence: SeedEvidence;

/** Every token is a word; token 7 is one of the list of toxic words, picked there so that none is spelt out here. */
const toxicWord = [...shippedToxicityLexicon()].find(
  ([word, grade]) => grade === 'likely' && /^[a-z]+$/.test(word),
)?.[0];
const wordOf = (id: number): string => (id === 7 ? (toxicWord ?? '') : `word${id}`);
const tokenizer: Tokenizer = {
  encode: () => {
    throw new Error('texts are only decoded here');
  },
  decode: (ids) => Array.from(ids, wordOf).join(' '),
  token: wordOf,
  vocabularySize,
  bosId: undefined,
  eosId: undefined,
  padId: undefined,
  sha256: '',
};

const embeddingOf = (token: number): Float64Array =>
  Float64Array.from(unembedding.slice(token * d, (token + 1) * d));

/** Steering along e_w of token 7: with enough of it, nothing else is written. */
const evidenceOf = async (scale = 0.5): Promise<SeedEvidence> => {
  const base = isotropicRows(n, d, 'base');
  const made = await syntheticEvidence({
    model,
    base,
    policies: { dpo: base.map((row) => sum(row, embeddingOf(7), scale)) },
  });
  const random = createRandom('prompts');
  const prompt = () =>
    Int32Array.from({ length: 2 + random.integer(4) }, () => random.integer(vocabularySize));
  const heldOut = made.data.heldOut.map((tuple, i) => ({
    ...tuple,
    prompt: prompt(),
    // Even tokens are preferred to odd ones: what the classifier learns.
    chosen: Int32Array.of((2 * i) % vocabularySize),
    rejected: Int32Array.of((2 * i + 1) % vocabularySize),
  }));
  const train = heldOut.map((tuple) => ({
    ...tuple,
    id: `train ${tuple.id}`,
    source: `train ${tuple.source}`,
  }));
  return { ...made, data: { ...made.data, heldOut, train, tokenizer } };
};

beforeAll(async () => {
  await startEngine('auto');
  model = createLlama({ ...tinyConfig, initializerRange: 1, tied: false }, 5);
  unembedding = await model.unembedding().data<'float32'>();
  evidence = await evidenceOf();
});
afterAll(() => model.dispose());

const context = (evidence: SeedEvidence) => ({ evidence, layers: 'final' as const });
const all = ones(continuedPrompts);
const only = (index: number): Float64Array => all.map((_, k) => (k === index ? 1 : 0));

/** The same model, its passes counted. */
const counted = (inner: LanguageModel) => {
  const passes = { count: 0 };
  const outer: LanguageModel = new Proxy(inner, {
    get: (target, key, receiver) => {
      if (key === 'forward' || key === 'startDecoding') passes.count++;
      const value: unknown = Reflect.get(target, key, receiver);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { outer, passes };
};

describe('oversteering-bleu-fall and oversteering-rouge-fall', () => {
  it('compare the overlap with unsteered text below the ceiling and past it, prompt by prompt', async () => {
    const [search] = await searchesOf(evidence, 'claim');
    const fall = await measureRougeFall(context(evidence), 'claim');
    expect(fall.n).toBe(continuedPrompts);
    for (const k of [0, 17, continuedPrompts - 1]) {
      const text = (which: 'unsteered' | 'below' | 'past') =>
        textOf(evidence, search?.[which][k] ?? new Int32Array());
      const own = (which: 'below' | 'past') => rouge(text(which), text('unsteered')).rougeL.f;
      expect(fall.statistic(only(k))).toBeCloseTo(own('below') - own('past'), 12);
      const bleu = await measureBleuFall(context(evidence), 'claim');
      const score = (which: 'below' | 'past') =>
        bleuOfStatistics(bleuStatistics(text(which), [text('unsteered')]), { effectiveOrder: true }).score /
        100;
      expect(bleu.statistic(only(k))).toBeCloseTo(score('below') - score('past'), 12);
    }
    // Past the ceiling token 7 is all that is written: next to nothing of the base's text.
    expect(fall.details['pastCeiling']).toBeLessThan(0.1);
    expect(fall.statistic(all)).toBeGreaterThan(0.05);
  });

  it("tell the overlap with the policy's own texts beside it", async () => {
    // Here the policy is the base: all of its text unsteered, and less of it at λ = 1.
    const { details } = await measureRougeFall(context(evidence), 'claim');
    expect(details['withPolicyUnsteered']).toBe(1);
    expect(details['withPolicyAtOne']).toBeLessThan(1);
    expect(details['withPolicyAtOne']).toBeGreaterThan(0);
  });

  it('write no text that the search for the ceiling has written', async () => {
    const { outer, passes } = counted(model);
    const watched = { ...evidence, base: { ...evidence.base, model: outer } };
    await measureLambdaCeiling(context(watched), 'claim');
    const before = passes.count;
    expect(before).toBeGreaterThan(0);
    await measureBleuFall(context(watched), 'claim');
    await measureRougeFall(context(watched), 'claim');
    await measureToxicityRise(context(watched), 'claim');
    expect(passes.count).toBe(before);
  });

  it('belong to the direction, not to the length of the vector', async () => {
    const [one, half] = [await evidenceOf(2), await evidenceOf(1)];
    const [a, b] = [
      await measureRougeFall(context(one), 'claim'),
      await measureRougeFall(context(half), 'claim'),
    ];
    expect((b.details['ceiling'] ?? 0) / (a.details['ceiling'] ?? 0)).toBeGreaterThan(1.6);
    expect(Math.abs(a.statistic(all) - b.statistic(all))).toBeLessThan(0.15);
  });
});

describe('steered-toxicity-rise', () => {
  it('hears toxic words where they are written, and tells by how much more', async () => {
    const rise = await measureToxicityRise(context(evidence), 'claim');
    const { unsteered = Number.NaN, belowCeiling = Number.NaN, pastCeiling } = rise.details;
    expect(rise.statistic(all)).toBeCloseTo(belowCeiling - unsteered, 12);
    expect(rise.statistic(all)).toBeGreaterThan(0);
    expect(pastCeiling).toBeGreaterThan(0.95);
  });
});

describe('text-flips-undone', () => {
  let other: LanguageModel;
  beforeAll(() => {
    other = createLlama({ ...tinyConfig, initializerRange: 1, tied: false }, 6);
  });
  afterAll(() => other.dispose());

  /** A policy that writes other text altogether, and a vector that is `towards` times its own e of token 7 or 8. */
  const evidenceWith = async (policyModel: LanguageModel, token: number, towards: number) => {
    const rows = await policyModel.unembedding().data<'float32'>();
    const vector = Float64Array.from(rows.slice(token * d, (token + 1) * d), (value) => towards * value);
    const policy = { ...evidence.variant('dpo'), model: policyModel };
    return {
      ...evidence,
      variant: () => policy,
      vectors: () => crossFitted([vector, vector], evidence.data.folds),
    };
  };

  it('undoes nothing with a vector of nothing', async () => {
    const rate = await measureTextFlipsUndone(context(await evidenceWith(other, 7, 0)), 'claim');
    expect(rate.counts?.trials).toBeGreaterThan(10);
    expect(rate.counts?.successes).toBe(0);
    expect(rate.details['flips']).toBe(rate.counts?.trials);
  });

  it('undoes the flips from either kind with a vector that makes all text of that kind', async () => {
    // Policy − v* writes token 7 alone, which is odd and rejected; or token 8, even and preferred.
    const rejected = await measureTextFlipsUndone(context(await evidenceWith(other, 7, -500)), 'claim');
    const preferred = await measureTextFlipsUndone(context(await evidenceWith(other, 8, -500)), 'claim');
    expect(rejected.details['invertedPreferred']).toBe(0);
    expect(preferred.details['invertedPreferred']).toBe(1);
    expect(rejected.counts?.successes).toBeGreaterThan(0);
    expect(preferred.counts?.successes).toBeGreaterThan(0);
    expect((rejected.counts?.successes ?? 0) + (preferred.counts?.successes ?? 0)).toBe(
      rejected.counts?.trials,
    );
  });

  it('reports the quality of its classifier on other sources', async () => {
    const { details } = await measureTextFlipsUndone(context(await evidenceWith(other, 7, 0)), 'claim');
    expect(details['classifierAccuracy']).toBe(1);
    expect(details['classifierAccuracyLow']).toBeLessThan(1);
    expect(details['classifierBrier']).toBeLessThan(0.25);
  });

  it('cannot be told where no text changes', async () => {
    await expect(measureTextFlipsUndone(context(await evidenceWith(model, 7, 0)), 'claim')).rejects.toThrow(
      ComputationError,
    );
  });
});
