import { beforeAll, describe, expect, it } from 'vitest';
import { ComputationError, createRandom } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { measureCosineBimodality } from '../../../src/claims/metrics/cosine-distribution.js';
import {
  componentsMeasure,
  measureMeanEnergyShare,
  measureParticipationRatio,
  measureSpectralEntropyDrop,
} from '../../../src/claims/metrics/dimension.js';
import type { Measurement } from '../../../src/claims/metrics/measurement.js';
import { startEngine } from '../../../src/engine/index.js';
import { shuffleRows, spectrumStatistics } from '../../../src/geometry/index.js';
import { matrixFromRows, rowOf, singularValues } from '../../../src/linalg/index.js';
import type { LanguageModel } from '../../../src/model/index.js';
import { createTinyLlama, tinyConfig } from '../../activations/tiny-llama.js';
import {
  isotropicRows,
  normalVector,
  ones,
  type Rows,
  sum,
  syntheticEvidence,
} from '../synthetic-evidence.js';

const n = 200;
const d = tinyConfig.hiddenSize;
const direction = normalVector(createRandom('direction'), d);
let model: LanguageModel;
beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
  return () => model.dispose();
});

const estimateOf = ({ statistic, n: count }: Measurement): number => statistic(ones(count));
const zeros = Array.from({ length: n }, () => new Float64Array(d));
const noisy = (noise: number, seed = 'noise'): Rows =>
  isotropicRows(n, d, seed).map((row) => sum(direction, row, noise));

/** Evidence whose displacements at layers 1..L, and at the final hidden state, are these. */
const evidenceOf = (layers: readonly Rows[], final: Rows = layers.at(-1) ?? []): Promise<SeedEvidence> =>
  syntheticEvidence({
    model,
    base: zeros,
    policies: { dpo: final },
    residuals: { base: layers.map(() => zeros), dpo: layers },
  });
const final = (evidence: SeedEvidence) => ({ evidence, layers: 'final' as const });
const spectrumOf = (rows: Rows) =>
  spectrumStatistics(singularValues(matrixFromRows(rows.map((row) => [...Array.from(row)]))));

describe('spectral-entropy-drop', () => {
  it('is the entropy below half the depth less that of the selected layers', async () => {
    const layers = [
      noisy(2, 'a'),
      noisy(1, 'b'),
      noisy(0.5, 'c'),
      noisy(0.2, 'd'),
      noisy(0.1, 'e'),
      noisy(0.3, 'f'),
    ];
    const evidence = await evidenceOf(layers);
    const drop = await measureSpectralEntropyDrop({ evidence, layers: 'upper' }, 'claim');
    const entropies = layers.map((rows) => spectrumOf(rows).spectralEntropy);
    // Of six layers 1 and 2 lie below half the depth, and 5 within .69–.94.
    expect(estimateOf(drop)).toBeCloseTo(
      ((entropies[0] ?? 0) + (entropies[1] ?? 0)) / 2 - (entropies[4] ?? 0),
      5,
    );
    expect(estimateOf(drop)).toBeGreaterThan(0.5);
    expect(drop.details['lower']).toBeCloseTo(estimateOf(drop) + (drop.details['upper'] ?? 0), 10);
    const reversed = await evidenceOf([...layers].reverse());
    expect(
      estimateOf(await measureSpectralEntropyDrop({ evidence: reversed, layers: 'upper' }, 'claim')),
    ).toBeLessThan(0);
  });

  it('under the weights of a resample is that of the repeated rows', async () => {
    const layers = [noisy(1, 'a'), noisy(0.2, 'b'), noisy(0.2, 'c')];
    const { statistic } = await measureSpectralEntropyDrop(
      { evidence: await evidenceOf(layers), layers: 3 },
      'claim',
    );
    const random = createRandom('resample');
    const picked = Array.from({ length: n }, () => random.integer(n));
    const weights = new Float64Array(n);
    for (const i of picked) weights[i] = (weights[i] ?? 0) + 1;
    const entropyOf = (rows: Rows) => spectrumOf(picked.map((i) => rows[i] ?? [])).spectralEntropy;
    // The sampler follows the weak directions in sum: their division adds about t·m/2n of error in each layer.
    const exact = entropyOf(layers[0] ?? []) - entropyOf(layers[2] ?? []);
    expect(Math.abs(statistic(weights) - exact)).toBeLessThan(0.01);
  });

  it('is about nothing once the entries of each row are shuffled', async () => {
    const evidence = await evidenceOf([noisy(1, 'a'), noisy(0.2, 'b'), noisy(0.2, 'c')]);
    const shuffled = await measureSpectralEntropyDrop({ evidence, layers: 3 }, 'shuffled-rows');
    expect(Math.abs(estimateOf(shuffled))).toBeLessThan(0.1);
  });

  it('cannot be told of a model without lower layers', async () => {
    const evidence = await evidenceOf([noisy(1), noisy(1)]);
    await expect(measureSpectralEntropyDrop({ evidence, layers: 2 }, 'claim')).rejects.toThrow(
      ComputationError,
    );
  });
});

describe('counts of directions', () => {
  /** Each row along one of four axes, the k-th carrying 8, 4, 2, 1 fifteenths of the energy. */
  const axes: Rows = Array.from({ length: 150 }, (_, i) => {
    const axis = i % 15 < 8 ? 0 : i % 15 < 12 ? 1 : i % 15 < 14 ? 2 : 3;
    return Float64Array.from({ length: d }, (__, j) => (j === axis ? 1 : 0));
  });
  const evidence = () =>
    syntheticEvidence({ model, base: axes.map(() => new Float64Array(d)), policies: { dpo: axes } });

  it('are those of the known spectrum', async () => {
    const context = final(await evidence());
    expect(estimateOf(await measureParticipationRatio(context, 'claim'))).toBeCloseTo(225 / 85, 6);
    const eighty = await componentsMeasure(0.8)(context, 'claim');
    expect(estimateOf(eighty)).toBeCloseTo(2, 6);
    const ninetyFive = await componentsMeasure(0.95)(context, 'claim');
    expect(estimateOf(ninetyFive)).toBeCloseTo(3 + (0.95 - 14 / 15) * 15, 5);
    expect(ninetyFive.details['directions']).toBe(4);
  });

  it('grow where directions in common are shuffled away', async () => {
    const context = final(await evidenceOf([noisy(0.3)]));
    for (const measure of [measureParticipationRatio, componentsMeasure(0.8)]) {
      const own = estimateOf(await measure(context, 'claim'));
      expect(estimateOf(await measure(context, 'shuffled-rows'))).toBeGreaterThan(3 * own);
    }
  });
});

describe('mean-energy-share', () => {
  it('is 1 of one vector, near 0 of noise, and the shift’s share between', async () => {
    const share = async (rows: Rows) =>
      estimateOf(await measureMeanEnergyShare(final(await evidenceOf([rows])), 'claim'));
    expect(await share(zeros.map(() => direction))).toBeCloseTo(1, 6);
    const noise = [];
    for (const seed of ['a', 'b', 'c', 'd', 'e', 'f']) noise.push(await share(isotropicRows(n, d, seed)));
    // In-sample it would be 1/n = .005 on average.
    expect(Math.abs(noise.reduce((a, b) => a + b, 0) / noise.length)).toBeLessThan(2e-3);
    const energy = direction.reduce((total, value) => total + value * value, 0);
    expect(await share(noisy(1))).toBeCloseTo(energy / (energy + d), 1);
  });

  it('takes weights as repetitions', async () => {
    const rows = noisy(1).slice(0, 8);
    const repeat = [0, 0, 1, 2, 5, 5, 5, 7];
    const weights = Float64Array.from(rows, (_, i) => repeat.filter((index) => index === i).length);
    const make = (given: Rows) =>
      syntheticEvidence({ model, base: given.map(() => new Float64Array(d)), policies: { dpo: given } });
    const folds = Uint8Array.from(repeat, (index) => index % 2);
    const once = await make(rows);
    const repeated = await make(repeat.map((index) => rows[index] ?? []));
    const { statistic } = await measureMeanEnergyShare(final(once), 'claim');
    const expected = await measureMeanEnergyShare(
      final({ ...repeated, data: { ...repeated.data, folds } }),
      'claim',
    );
    expect(statistic(weights)).toBeCloseTo(estimateOf(expected), 10);
  });
});

describe('cosine-bimodality', () => {
  it('is near 1 of two groups and under .75 of one', async () => {
    const other = normalVector(createRandom('other'), d);
    const two = isotropicRows(n, d, 'noise').map((row, i) =>
      sum(i % 8 < 5 ? direction : other.map((x) => 2 * x), row, 0.1),
    );
    const groups = await measureCosineBimodality(final(await evidenceOf([two])), 'claim');
    expect(estimateOf(groups)).toBeGreaterThan(0.9);
    const one = await measureCosineBimodality(final(await evidenceOf([noisy(0.5)])), 'claim');
    expect(estimateOf(one)).toBeLessThan(0.75);
    expect(one.details['sarle']).toBeGreaterThan(0.2);
    expect(one.details['p05']).toBeLessThan(one.details['median'] ?? 0);
    expect(one.details['median']).toBeLessThan(one.details['p95'] ?? 0);
  });

  it('takes weights in the prompts’ order', async () => {
    const one = await measureCosineBimodality(final(await evidenceOf([noisy(1)])), 'claim');
    const { judging } = (await evidenceOf([noisy(1)])).vectors('dpo', 'postNorm');
    expect(judging(0)).toHaveLength(d);
    const halves = Float64Array.from({ length: n }, (_, i) => (i < 2 ? 1 : 0));
    // Two prompts alone: two spikes.
    expect(one.statistic(halves)).toBeCloseTo(1, 10);
  });
});

it('shuffled rows keep their norms and entries, and the seed decides', () => {
  const rows = matrixFromRows([
    [1, 2, 3, 4, 5],
    [5, 6, 7, 8, 9],
  ]);
  const shuffled = shuffleRows(rows, createRandom('seed'));
  for (const i of [0, 1]) expect([...rowOf(shuffled, i)].sort((a, b) => a - b)).toEqual([...rowOf(rows, i)]);
  expect(shuffleRows(rows, createRandom('seed'))).toEqual(shuffled);
  expect(shuffleRows(rows, createRandom('other'))).not.toEqual(shuffled);
});
