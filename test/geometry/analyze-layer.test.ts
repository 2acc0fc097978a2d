import { describe, expect, it } from 'vitest';
import { createRandom, InputError } from '../../src/base/index.js';
import {
  analyzeLayer,
  createLeadingDirectionSampler,
  displacements,
  steeringVector,
} from '../../src/geometry/index.js';
import { cosine } from '../../src/linalg/index.js';
import { algebras, expectClose } from '../linalg/laws.js';
import { expectedLayers, fixtureReason, hasFixture, readStates, setNames } from './fixture.js';

const within = (actual: number, expected: number, share = 1e-9): void =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(share * Math.abs(expected));

/** Share of energy in the first `count` directions, from NumPy's own singular values. */
const topShare = (values: readonly number[], count: number): number => {
  const energy = (part: readonly number[]): number => part.reduce((sum, value) => sum + value * value, 0);
  return energy(values.slice(0, count)) / energy(values);
};

describe.each(algebras)('a layer analysed by the $name algebra', (algebra) => {
  for (const set of setNames) {
    it.skipIf(!hasFixture)(`should have NumPy's statistics: ${set}${fixtureReason}`, () => {
      const states = readStates(set);
      expectedLayers(set).forEach((expected, index) => {
        const [base, policy] = [states.layer('base', index), states.layer('dpo', index)];
        const found = analyzeLayer(base, policy, states.n, states.d, { layer: index + 1, algebra });
        const theirs = expected.dsteer_layer_stats as Record<
          | 'mean_frac'
          | 'pc0'
          | 'top3'
          | 'eff_rank'
          | 'cos_to_mean_mean'
          | 'cos_to_mean_sd'
          | 'rel_norm'
          | 'pc0_centred',
          number
        >;
        expect([found.layer, found.n, found.d]).toEqual([index + 1, states.n, states.d]);
        const largest = expected.singular_values[0] as number;
        expectClose(found.singularValues, expected.singular_values, 1e-9 * largest);
        expectClose(found.centred.singularValues, expected.singular_values_centred, 1e-9 * largest);
        within(found.sigma2OverSigma1, expected.sigma2_over_sigma1);
        within(found.centred.sigma2OverSigma1, expected.sigma2_over_sigma1_centred);
        within(found.spectralEntropy, expected.spectral_entropy_p_sigma2);
        within(found.spectralEntropyShare, expected.spectral_entropy_p_sigma2_normalized_by_log_rank);
        within(found.top1, theirs.pc0);
        within(found.top1, topShare(expected.singular_values, 1));
        within(found.top3, theirs.top3);
        within(found.participationRatio, theirs.eff_rank);
        within(found.meanEnergyShare, theirs.mean_frac);
        within(found.cosineToMean.mean, theirs.cos_to_mean_mean);
        within(found.cosineToMean.sd, theirs.cos_to_mean_sd);
        within(found.u1CosineToMean, expected.abs_cos_v1_mean, 1e-8);
        within(found.relativeNorm, theirs.rel_norm);
        within(found.centred.top1, theirs.pc0_centred);
      });
    });

    it.skipIf(!hasFixture)(`should have NumPy's mean and leading vectors: ${set}${fixtureReason}`, () => {
      const states = readStates(set);
      expectedLayers(set).forEach((expected, index) => {
        const delta = displacements(
          states.layer('base', index),
          states.layer('dpo', index),
          states.n,
          states.d,
        );
        expectClose(steeringVector(delta), expected.mean_vector, 1e-15);
        const leading = createLeadingDirectionSampler(delta, { algebra })(new Float64Array(states.n).fill(1));
        expect(Math.abs(cosine(leading, expected.top_right_singular_vector_sign_ambiguous))).toBeGreaterThan(
          1 - 1e-8,
        );
      });
    });
  }
});

describe('a layer', () => {
  const random = createRandom(5);
  const states = (n: number, d: number, shift = 0): Float32Array =>
    Float32Array.from({ length: n * d }, () => random.normal() + shift);

  it('should summarise cosines by median, 5 % quantile and the share above 0.9', () => {
    // One wide row sets the mean's direction; the others lean from it by known angles.
    const angles = [0, 0.1, 0.2, 0.3, 0.4, -0.1, -0.2, -0.3, -0.4];
    const policy = Float64Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
    const { cosineToMean } = analyzeLayer(new Float64Array(18), policy, 9, 2);
    expect(cosineToMean.median).toBeCloseTo(Math.cos(0.2), 12);
    expect(cosineToMean.p05).toBeCloseTo(Math.cos(0.4), 12);
    const above = angles.filter((angle) => Math.cos(angle) >= 0.9).length;
    expect(above).toBe(9);
    expect(cosineToMean.shareAbove09).toBe(1);
    const wider = Float64Array.from([...policy, Math.cos(1), Math.sin(1), Math.cos(1), -Math.sin(1)]);
    expect(analyzeLayer(new Float64Array(22), wider, 11, 2).cosineToMean.shareAbove09).toBeCloseTo(
      9 / 11,
      12,
    );
  });

  it('should be rank one where every row moves alike, and flat where rows move apart', () => {
    const base = states(8, 6);
    const alike = analyzeLayer(new Float64Array(48), new Float64Array(48).fill(0.5), 8, 6);
    expect(alike.sigma2OverSigma1).toBe(0);
    expect(alike.spectralEntropyShare).toBeCloseTo(0, 12);
    expect(alike.participationRatio).toBeCloseTo(1, 12);
    expect(alike.meanEnergyShare).toBeCloseTo(1, 12);
    expect(alike.u1CosineToMean).toBeCloseTo(1, 12);
    const identity = Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0));
    const apart = analyzeLayer(new Float64Array(36), identity, 6, 6);
    expect(apart.spectralEntropyShare).toBeCloseTo(1, 12);
    expect(apart.participationRatio).toBeCloseTo(6, 12);
    expect(apart.top3).toBeCloseTo(0.5, 12);
    expect(analyzeLayer(base, states(8, 6), 8, 6).spectralEntropyShare).toBeLessThan(1);
  });

  it('should not confuse the uncentred spectrum with the centred one', () => {
    const base = states(64, 8);
    const policy = base.map((value) => value + 3 + 0.1 * random.normal());
    const found = analyzeLayer(base, policy, 64, 8);
    expect(found.sigma2OverSigma1).toBeLessThan(0.1);
    expect(found.centred.sigma2OverSigma1).toBeGreaterThan(0.5);
  });

  it('should say NaN, not a number of its own making, where nothing moved', () => {
    const base = states(4, 3);
    const found = analyzeLayer(base, base, 4, 3);
    expect(found.relativeNorm).toBe(0);
    for (const value of [
      found.sigma2OverSigma1,
      found.spectralEntropy,
      found.top1,
      found.top3,
      found.cosineToMean.mean,
    ]) {
      expect(value).toBeNaN();
    }
    expect(found.singularValues).toEqual([0, 0, 0]);
  });

  it('should subtract float32 states in float32', () => {
    const [a, b] = [Math.fround(0.1), Math.fround(123456.7)];
    const delta = displacements(new Float32Array([a]), new Float32Array([b]), 1, 1);
    expect(delta.data[0]).toBe(Math.fround(b - a));
    expect(delta.data[0]).not.toBe(b - a);
  });

  it('should name the row of a state that is not finite', () => {
    const policy = states(5, 3);
    policy[3 * 3 + 1] = Number.NaN;
    expect(() => analyzeLayer(states(5, 3), policy, 5, 3)).toThrow(InputError);
    expect(() => analyzeLayer(states(5, 3), policy, 5, 3)).toThrow(/row 3, column 1/);
    expect(() => analyzeLayer(states(5, 3), policy, 4, 3)).toThrow(/need 12 numbers/);
    expect(() => analyzeLayer(states(0, 3), states(0, 3), 0, 3)).toThrow(InputError);
  });
});
