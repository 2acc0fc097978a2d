import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComputationError, createRandom } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { measureOnPrompts, type Subject } from '../../../src/claims/metrics/index.js';
import { randomDirectionCount } from '../../../src/claims/metrics/random-directions.js';
import { steerPolicy } from '../../../src/claims/metrics/steered-policy.js';
import { subjectVectors } from '../../../src/claims/metrics/subject-vectors.js';
import { startEngine } from '../../../src/engine/index.js';
import { cosine, norm } from '../../../src/linalg/index.js';
import type { LanguageModel } from '../../../src/model/index.js';
import { type Intervention, preferenceLogps, preferenceMargins } from '../../../src/steering/index.js';
import { createTinyLlama, tinyConfig } from '../../activations/tiny-llama.js';
import {
  isotropicRows,
  normalVector,
  ones,
  sum,
  syntheticEvidence,
  tinyExperiment,
} from '../synthetic-evidence.js';
import { tinySeedEvidence } from '../tiny-evidence.js';

const { hiddenSize: d } = tinyConfig;
const n = 100;
let model: LanguageModel;
let trained: SeedEvidence;

beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
  trained = await tinySeedEvidence(model, []);
});
afterAll(() => {
  trained.dispose();
  model.dispose();
});

const vector = normalVector(createRandom('v'), d, 2);
const foreign = normalVector(createRandom('foreign'), d, 3);

/** DPO shifts by v, flipped labels by −v, and a vector from elsewhere points elsewhere. */
const made = (): Promise<SeedEvidence> => {
  const base = isotropicRows(n, d, 'base');
  const scatter = isotropicRows(n, d, 'scatter');
  const shifted = (factor: number) =>
    base.map((row, i) => sum(sum(row, vector, factor), scatter[i] ?? [], 0.4));
  return syntheticEvidence({
    model,
    base,
    policies: { dpo: shifted(1), 'flipped-labels': shifted(-1) },
    alternatives: { 'foreign-prompts': foreign, 'trained-vector': vector },
  });
};

const estimate = async (evidence: SeedEvidence, subject: Subject): Promise<number> => {
  const context = { evidence, layers: 'final' as const };
  return (await measureOnPrompts['cosine-to-steering-vector'](context, subject)).statistic(ones(n));
};

describe('the vectors of a subject', () => {
  it('are −v* of the policy on flipped labels, judging the DPO policy', async () => {
    const evidence = await made();
    const { variant, families } = subjectVectors(evidence, 'flipped-labels');
    expect(variant).toBe('dpo');
    const [own] = families.map((at) => at('postNorm').byFold[0]);
    const flipped = evidence.vectors('flipped-labels', 'postNorm').byFold[0];
    expect(cosine(own ?? [], flipped)).toBeCloseTo(-1, 12);
    expect(await estimate(evidence, 'flipped-labels')).toBeGreaterThan(0.9);
  });

  it('are those from elsewhere, for both folds', async () => {
    const evidence = await made();
    for (const [subject, expected] of [
      ['foreign-prompts', foreign],
      ['trained-vector', vector],
    ] as const) {
      const [at] = subjectVectors(evidence, subject).families;
      expect(at?.('postNorm').judging(0)).toEqual(expected);
      expect(at?.('postNorm').judging(1)).toEqual(expected);
    }
    expect(await estimate(evidence, 'trained-vector')).toBeGreaterThan(0.9);
    expect(Math.abs(await estimate(evidence, 'foreign-prompts'))).toBeLessThan(0.6);
  });

  it('are random ones of the norms of v*, drawn once', async () => {
    const evidence = await made();
    const { families } = subjectVectors(evidence, 'random-directions');
    expect(families).toHaveLength(randomDirectionCount);
    const own = evidence.vectors('dpo', 'postNorm').byFold;
    for (const at of families) {
      const { byFold } = at('postNorm');
      expect(norm(byFold[0])).toBeCloseTo(norm(own[0]), 8);
      expect(norm(byFold[1])).toBeCloseTo(norm(own[1]), 8);
      expect(at('postNorm')).toBe(at('postNorm'));
    }
  });

  it('of rows shuffled are their own mean, which is about nothing', async () => {
    expect(Math.abs(await estimate(await made(), 'shuffled-rows'))).toBeLessThan(0.5);
    expect(await estimate(await made(), 'claim')).toBeGreaterThan(0.9);
  });
});

describe('steering a policy', () => {
  const vectorsAt = (site: number | 'postNorm') => trained.vectors('dpo', site);

  /** The model run with interventions at these sites. */
  const directly = async (
    kind: 'add' | 'ablate',
    sites: readonly (number | 'postNorm')[],
    lambda: number,
  ) => {
    const byFold = [0, 1].map((fold) =>
      sites.map(
        (at): Intervention => ({
          kind,
          at,
          lambda,
          vector: vectorsAt(at).byFold[fold === 0 ? 1 : 0],
          positions: 'completion',
        }),
      ),
    );
    const { heldOut, folds } = trained.data;
    const logps = await preferenceLogps(trained.variant('dpo').model, heldOut, {
      interventionsFor: (index) => byFold[folds[index] ?? 0] ?? [],
    });
    return preferenceMargins(logps);
  };

  const steered = (steering: SeedEvidence['experiment']['steering'], lambda: number) =>
    steerPolicy(
      { ...trained, experiment: { ...tinyExperiment(), steering } },
      trained.variant('dpo'),
      vectorsAt,
      lambda,
    );

  const expectAlike = (a: Float64Array, b: Float64Array): void => {
    expect(a).toHaveLength(b.length);
    a.forEach((value, index) => {
      expect(value).toBeCloseTo(b[index] ?? Number.NaN, 4);
    });
  };

  it('at the final hidden state equals running the model with the intervention there', async () => {
    expectAlike(await steered({ layers: 'final', kind: 'add' }, -1), await directly('add', ['postNorm'], -1));
    expectAlike(
      await steered({ layers: 'final', kind: 'ablate' }, -1),
      await directly('ablate', ['postNorm'], 1),
    );
  });

  it('at one layer or at all of them adds the vector of each', async () => {
    expectAlike(await steered({ layers: 1, kind: 'add' }, 0.5), await directly('add', [1], 0.5));
    const all = Array.from({ length: tinyConfig.layers }, (_, i) => i + 1);
    expectAlike(await steered({ layers: 'all', kind: 'add' }, -1), await directly('add', all, -1));
    expectAlike(await steered({ layers: 'last-five', kind: 'ablate' }, -1), await directly('ablate', all, 1));
  });

  it('by ablation can take away and not add', async () => {
    await expect(steered({ layers: 'final', kind: 'ablate' }, 1)).rejects.toThrow(ComputationError);
  });

  it('at a layer that the model lacks is refused', async () => {
    await expect(steered({ layers: 99, kind: 'add' }, 1)).rejects.toThrow(/no layer 99/);
  });
});
