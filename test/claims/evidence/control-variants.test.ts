import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComputationError } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { startEngine } from '../../../src/engine/index.js';
import { cosinesToVector, meanRowNorm, steeringVector } from '../../../src/geometry/index.js';
import { norm } from '../../../src/linalg/index.js';
import { hashParameters, type LanguageModel } from '../../../src/model/index.js';
import { createTinyLlama, tinyConfig } from '../../activations/tiny-llama.js';
import { tinySeedEvidence } from '../tiny-evidence.js';

let base: LanguageModel;
let evidence: SeedEvidence;

beforeAll(async () => {
  await startEngine('auto');
  base = createTinyLlama();
  evidence = await tinySeedEvidence(
    base,
    ['placebo-noise', 'massive-noise', 'flipped-labels', 'dpo-after-sft'],
    { alternatives: ['trained-vector'] },
  );
});
afterAll(() => {
  evidence.dispose();
  base.dispose();
});

const meanOf = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('noise with a massive dimension', () => {
  it('has the mean displacement of DPO, within 2 %, and no more preference than noise', () => {
    const shift = (name: 'dpo' | 'massive-noise') => meanRowNorm(evidence.displacement(name, 'postNorm'));
    expect(Math.abs(shift('massive-noise') / shift('dpo') - 1)).toBeLessThan(0.02);
  });

  it('moves every prompt along one dimension, as plain noise does not', () => {
    const { data, columns, rows } = evidence.displacement('massive-noise', 'postNorm');
    const energies = new Float64Array(columns);
    data.forEach((value, index) => {
      energies[index % columns] = (energies[index % columns] ?? 0) + value ** 2;
    });
    const total = energies.reduce((sum, energy) => sum + energy, 0);
    expect(rows).toBe(evidence.data.heldOut.length);
    expect(Math.max(...energies) / total).toBeGreaterThan(0.5);
    const concentration = (name: 'massive-noise' | 'placebo-noise'): number => {
      const delta = evidence.displacement(name, 'postNorm');
      return meanOf(cosinesToVector(delta, steeringVector(delta)).map(Math.abs));
    };
    expect(concentration('massive-noise')).toBeGreaterThan(concentration('placebo-noise'));
  });

  it('keeps the embeddings fixed', async () => {
    const names = base.embeddingNames();
    expect(await hashParameters(evidence.variant('massive-noise').model, names)).toEqual(
      await hashParameters(base, names),
    );
  });
});

describe('DPO on flipped labels', () => {
  it('starts at ln 2 and learns the opposite', () => {
    const [first] = evidence.training('flipped-labels')?.metrics ?? [];
    expect(first?.loss).toBeCloseTo(Math.LN2, 5);
    const rise = (name: 'dpo' | 'flipped-labels') =>
      meanOf(evidence.variant(name).margins.map((margin, i) => margin - (evidence.base.margins[i] ?? 0)));
    expect(Math.sign(rise('flipped-labels'))).toBe(-Math.sign(rise('dpo')));
  });
});

describe('DPO after SFT', () => {
  it('starts from the SFT policy, at ln 2, and is displaced from there', () => {
    expect(evidence.startOf('dpo-after-sft')).toBe(evidence.variant('sft'));
    expect(evidence.startOf('dpo')).toBe(evidence.base);
    expect(evidence.training('dpo-after-sft')?.metrics[0]?.loss).toBeCloseTo(Math.LN2, 5);
    const [toSft, onwards] = [
      evidence.displacement('sft', 'postNorm').data,
      evidence.displacement('dpo-after-sft', 'postNorm').data,
    ];
    const start = evidence.base.hidden.postNorm;
    evidence.variant('dpo-after-sft').hidden.postNorm.forEach((value, i) => {
      expect((toSft[i] ?? 0) + (onwards[i] ?? 0)).toBeCloseTo(value - (start[i] ?? 0), 4);
    });
  });
});

describe('vectors from elsewhere', () => {
  it('trained ones are as long as v*, and stand at the final hidden state alone', () => {
    const vector = evidence.alternative('trained-vector', 'postNorm').judging(0);
    const { byFold } = evidence.vectors('dpo', 'postNorm');
    expect(vector).toHaveLength(tinyConfig.hiddenSize);
    expect(norm(vector)).toBeCloseTo((norm(byFold[0]) + norm(byFold[1])) / 2, 3);
    expect(() => evidence.alternative('trained-vector', 1)).toThrow(ComputationError);
  });

  it('that the plan did not ask for are not there', () => {
    expect(() => evidence.alternative('foreign-prompts', 'postNorm')).toThrow(/the plan made no/);
  });
});
