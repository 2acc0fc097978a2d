import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComputationError, createRandom } from '../../../src/base/index.js';
import type { SeedEvidence } from '../../../src/claims/evidence/seed-evidence.js';
import { describeLayers, sitesOf } from '../../../src/claims/metrics/context.js';
import {
  measureCosine,
  measureLeadingDirection,
  measureSingularValueRatio,
} from '../../../src/claims/metrics/geometry.js';
import { randomDirectionCount, randomVectors } from '../../../src/claims/metrics/random-directions.js';
import { startEngine } from '../../../src/engine/index.js';
import { cosine, matrix, matrixFromRows, norm, rowOf, singularValues } from '../../../src/linalg/index.js';
import type { LanguageModel } from '../../../src/model/index.js';
import { quantile, rankPValue, standardDeviation } from '../../../src/statistics/index.js';
import { createTinyLlama, tinyConfig } from '../../activations/tiny-llama.js';
import {
  isotropicRows,
  normalVector,
  ones,
  type Rows,
  sum,
  syntheticEvidence,
  withVectorsReversed,
} from '../synthetic-evidence.js';

const d = tinyConfig.hiddenSize;
const n = 200;
const direction = normalVector(createRandom('direction'), d);

let model: LanguageModel;

beforeAll(async () => {
  await startEngine('auto');
  model = createTinyLlama();
});
afterAll(() => model.dispose());

/** Evidence whose ΔH at the final hidden state has these rows. */
const evidenceOf = (
  deltas: Rows,
  base: Rows = deltas.map(() => new Float64Array(d)),
): Promise<SeedEvidence> =>
  syntheticEvidence({ model, base, policies: { dpo: base.map((row, i) => sum(row, deltas[i] ?? [])) } });

const estimateOf = ({ statistic, n: prompts }: { statistic: (weights: Float64Array) => number; n: number }) =>
  statistic(ones(prompts));

const final = (evidence: SeedEvidence) => ({ evidence, layers: 'final' as const });

describe('sites', () => {
  it('upper are the paper’s layers 22–30 of 32', () => {
    expect(sitesOf('upper', 32)).toEqual([22, 23, 24, 25, 26, 27, 28, 29, 30]);
    expect(sitesOf('final', 32)).toEqual(['postNorm']);
    expect(sitesOf(3, 6)).toEqual([3]);
    expect(describeLayers('upper')).toContain('0.69–0.94');
  });

  it('of a depth are all layers in it and no others', () => {
    const depth = fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(depth, fc.integer({ min: 1, max: 48 }), ([a, b], count) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const inside = Array.from({ length: count }, (_, i) => i + 1).filter(
          (l) => l / count >= from && l / count <= to,
        );
        const select = () => sitesOf({ depth: [from, to] }, count);
        if (inside.length === 0) expect(select).toThrow(ComputationError);
        else expect(select()).toEqual(inside);
      }),
    );
  });

  it('that the model lacks are an error of the claim, not a crash of the run', () => {
    expect(() => sitesOf(7, 6)).toThrow(ComputationError);
    expect(() => sitesOf('upper', 2)).toThrow(ComputationError);
  });
});

describe('cosine-to-steering-vector', () => {
  it('is 1 of displacements that point one way, however long', async () => {
    const deltas = Array.from({ length: n }, (_, i) => direction.map((value) => value * (0.1 + i)));
    const { statistic, details, clusters } = await measureCosine(final(await evidenceOf(deltas)), 'claim');
    expect(statistic(ones(n))).toBeCloseTo(1, 6);
    expect(details['shareAbove09']).toBe(1);
    expect(clusters).toHaveLength(n);
  });

  it('is near 0 of isotropic noise: the vector that judges a prompt is not its own mean', async () => {
    // In-sample, each row's own part in the mean would make it about 1 / √n = 0.07.
    const values = [];
    for (const seed of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      values.push(
        estimateOf(await measureCosine(final(await evidenceOf(isotropicRows(n, d, seed))), 'claim')),
      );
    }
    expect(Math.abs(values.reduce((a, b) => a + b, 0) / values.length)).toBeLessThan(0.03);
  });

  it('turns its sign with the steering vector', async () => {
    const deltas = isotropicRows(n, d, 'noise').map((row) => sum(direction, row, 0.5));
    const evidence = await evidenceOf(deltas);
    const own = estimateOf(await measureCosine(final(evidence), 'claim'));
    expect(own).toBeGreaterThan(0.7);
    expect(estimateOf(await measureCosine(final(withVectorsReversed(evidence)), 'claim'))).toBeCloseTo(
      -own,
      12,
    );
  });

  it('tells quantiles of the very cosines that it averages', async () => {
    const evidence = await evidenceOf(isotropicRows(n, d, 'noise').map((row) => sum(direction, row, 0.3)));
    const delta = evidence.displacement('dpo', 'postNorm');
    const { judging } = evidence.vectors('dpo', 'postNorm');
    const cosines = Array.from({ length: n }, (_, i) => cosine(rowOf(delta, i), judging(i)));
    const { statistic, details } = await measureCosine(final(evidence), 'claim');
    expect(statistic(ones(n))).toBeCloseTo(cosines.reduce((a, b) => a + b, 0) / n, 10);
    expect(details['median']).toBe(quantile(cosines, 0.5));
    expect(details['p05']).toBe(quantile(cosines, 0.05));
    expect(details['shareAbove09']).toBe(cosines.filter((value) => value >= 0.9).length / n);
  });

  it('is measured on the control’s own displacements and vector', async () => {
    const base = isotropicRows(n, d, 'base');
    const evidence = await syntheticEvidence({
      model,
      base,
      policies: {
        dpo: base.map((row) => sum(row, direction)),
        sft: base.map((row, i) => sum(row, isotropicRows(n, d, 'sft')[i] ?? [])),
      },
    });
    expect(estimateOf(await measureCosine(final(evidence), 'claim'))).toBeCloseTo(1, 5);
    expect(Math.abs(estimateOf(await measureCosine(final(evidence), 'sft')))).toBeLessThan(0.15);
  });

  it('averages over several layers', async () => {
    const zeros = Array.from({ length: n }, () => new Float64Array(d));
    const straight = zeros.map(() => direction);
    const half = zeros.map((_, i) => (i % 4 < 2 ? direction : direction.map((value) => value / 2)));
    const evidence = await syntheticEvidence({
      model,
      base: zeros,
      policies: { dpo: straight },
      residuals: { base: [zeros, zeros], dpo: [straight, isotropicRows(n, d, 'layer 2')] },
    });
    const at = async (layers: 1 | 2 | { depth: [number, number] }) =>
      estimateOf(await measureCosine({ evidence, layers }, 'claim'));
    expect(half).toHaveLength(n);
    expect(await at({ depth: [0, 1] })).toBeCloseTo(((await at(1)) + (await at(2))) / 2, 10);
  });
});

describe('random directions', () => {
  it('have the norm of the vector they stand for, and are the same for the same seed only', async () => {
    const deltas = isotropicRows(n, d, 'noise').map((row) => sum(direction, row));
    const evidence = await evidenceOf(deltas);
    const { byFold } = evidence.vectors('dpo', 'postNorm');
    const drawn = randomVectors(evidence, 'postNorm');
    expect(drawn).toHaveLength(randomDirectionCount);
    expect(randomDirectionCount).toBeGreaterThanOrEqual(20);
    for (const vectors of drawn) {
      for (const fold of [0, 1] as const)
        expect(norm(vectors.byFold[fold])).toBeCloseTo(norm(byFold[fold]), 10);
      expect(norm(vectors.steering(0))).toBeCloseTo(norm(byFold[1]), 4);
      expect(norm(vectors.judging(1))).toBeCloseTo(norm(byFold[0]), 10);
    }
    expect(randomVectors(evidence, 'postNorm')[3]?.byFold).toEqual(drawn[3]?.byFold);
    expect(randomVectors({ ...evidence, seed: 101 }, 'postNorm')[3]?.byFold).not.toEqual(drawn[3]?.byFold);
    expect(new Set(drawn.map(({ byFold: [first] }) => first[0])).size).toBe(randomDirectionCount);
  });

  it('come with the highest of them and the rank p of the claim among them', async () => {
    const strong = await evidenceOf(isotropicRows(n, d, 'noise').map((row) => sum(direction, row, 0.3)));
    const weak = await evidenceOf(isotropicRows(n, d, 'noise'));
    for (const evidence of [strong, weak]) {
      const delta = evidence.displacement('dpo', 'postNorm');
      const values = randomVectors(evidence, 'postNorm').map(
        ({ judging }) =>
          Array.from({ length: n }, (_, i) => cosine(rowOf(delta, i), judging(i))).reduce(
            (a, b) => a + b,
            0,
          ) / n,
      );
      const own = estimateOf(await measureCosine(final(evidence), 'claim'));
      const { statistic, details } = await measureCosine(final(evidence), 'random-directions');
      expect(statistic(ones(n))).toBeCloseTo(values.reduce((a, b) => a + b, 0) / values.length, 10);
      expect(details['directions']).toBe(randomDirectionCount);
      expect(details['highest']).toBeCloseTo(Math.max(...values), 12);
      expect(details['rankP']).toBe(rankPValue(own, values));
    }
    expect((await measureCosine(final(strong), 'random-directions')).details['rankP']).toBeCloseTo(
      1 / 21,
      12,
    );
  });

  it('over displacements without a direction are an error of the row, not a usage error', async () => {
    const zeros = Array.from({ length: 64 }, () => new Float64Array(d));
    await expect(measureCosine(final(await evidenceOf(zeros)), 'random-directions')).rejects.toThrow(
      ComputationError,
    );
  });
});

describe('singular-value-ratio', () => {
  const ratioOf = (rows: Rows): number => {
    const [first = Number.NaN, second = Number.NaN] = singularValues(matrixFromRows(rows));
    return second / first;
  };

  it('is exactly σ2/σ1 of the displacements, uncentred, as its estimate', async () => {
    for (const noise of [0.05, 0.2, 3]) {
      const evidence = await evidenceOf(
        isotropicRows(n, d, 'noise').map((row) => sum(direction, row, noise)),
      );
      const delta = evidence.displacement('dpo', 'postNorm');
      const rows = Array.from({ length: n }, (_, i) => rowOf(delta, i));
      const { statistic } = await measureSingularValueRatio(final(evidence), 'claim');
      expect(statistic(ones(n))).toBeCloseTo(ratioOf(rows), 6);
    }
  });

  it('in a resample is that of the repeated rows, but for far less than the resamples’ own spread', async () => {
    for (const noise of [0.05, 0.1, 0.3]) {
      // Directions of falling weight, as in real displacements: the sampler may leave the weakest out.
      const decaying = isotropicRows(n, d, 'noise').map((row) =>
        sum(
          direction,
          row.map((value, j) => value / (1 + j)),
          noise,
        ),
      );
      const evidence = await evidenceOf(decaying);
      const delta = evidence.displacement('dpo', 'postNorm');
      const { statistic } = await measureSingularValueRatio(final(evidence), 'claim');
      const random = createRandom(`resamples ${noise}`);
      const draws = Array.from({ length: 40 }, () => {
        const picked = Array.from({ length: n }, () => random.integer(n));
        const weights = new Float64Array(n);
        for (const i of picked) weights[i] = (weights[i] ?? 0) + 1;
        return { quick: statistic(weights), exact: ratioOf(picked.map((i) => rowOf(delta, i))) };
      });
      const spread = standardDeviation(draws.map(({ exact }) => exact));
      const errors = draws.map(({ quick, exact }) => Math.abs(quick - exact));
      expect(Math.max(...errors)).toBeLessThan(0.2 * spread);
    }
  });

  it('is 0 of rank one and large of noise', async () => {
    const rankOne = Array.from({ length: n }, (_, i) => direction.map((value) => value * (1 + i)));
    expect(
      estimateOf(await measureSingularValueRatio(final(await evidenceOf(rankOne)), 'claim')),
    ).toBeLessThan(1e-3);
    const noise = await evidenceOf(isotropicRows(n, d, 'noise'));
    expect(estimateOf(await measureSingularValueRatio(final(noise), 'claim'))).toBeGreaterThan(0.8);
  });

  it('takes the largest of several layers, and says the layer of one', async () => {
    const zeros = Array.from({ length: n }, () => new Float64Array(d));
    const layers = [0.05, 0.6, 0.2].map((noise, layer) =>
      isotropicRows(n, d, `layer ${layer}`).map((row) => sum(direction, row, noise)),
    );
    const evidence = await syntheticEvidence({
      model,
      base: zeros,
      policies: { dpo: layers[0] ?? [] },
      residuals: { base: [zeros, zeros, zeros], dpo: layers },
    });
    const all = await measureSingularValueRatio({ evidence, layers: { depth: [0, 1] } }, 'claim');
    const each = [];
    for (const layer of [1, 2, 3])
      each.push(await measureSingularValueRatio({ evidence, layers: layer }, 'claim'));
    expect(estimateOf(all)).toBe(Math.max(...each.map(estimateOf)));
    expect(estimateOf(all)).toBe(estimateOf(each[1] ?? all));
    expect(each.map(({ details }) => details['layer'])).toEqual([1, 2, 3]);
    expect(ratioOf(layers[2] ?? [])).toBeCloseTo(estimateOf(each[2] ?? all), 4);
  });
});

describe('leading-direction-cosine', () => {
  it('is near 1 where the shift leads, whatever its sign by prompt', async () => {
    const evidence = await evidenceOf(isotropicRows(n, d, 'noise').map((row) => sum(direction, row, 0.1)));
    expect(estimateOf(await measureLeadingDirection(final(evidence), 'claim'))).toBeGreaterThan(0.99);
    expect(
      estimateOf(await measureLeadingDirection(final(withVectorsReversed(evidence)), 'claim')),
    ).toBeGreaterThan(0.99);
  });

  it('is near 0 where the widest spread is at right angles to the shift', async () => {
    const shift = new Float64Array(d);
    const spread = new Float64Array(d);
    shift[0] = 1;
    spread[1] = 10;
    // Signs in pairs, so that each fold (every other row) has as many of either.
    const deltas = Array.from({ length: n }, (_, i) => sum(shift, spread, i % 4 < 2 ? 1 : -1));
    const evidence = await evidenceOf(deltas);
    expect(estimateOf(await measureLeadingDirection(final(evidence), 'claim'))).toBeLessThan(1e-3);
    expect(estimateOf(await measureCosine(final(evidence), 'claim'))).toBeLessThan(0.2);
  });

  it('reads u1 in one fold and v* in the other', async () => {
    const [left, right] = [new Float64Array(d), new Float64Array(d)];
    left[0] = 1;
    right[1] = 1;
    const evidence = await evidenceOf(Array.from({ length: 80 }, (_, i) => (i % 2 === 0 ? left : right)));
    expect(estimateOf(await measureLeadingDirection(final(evidence), 'claim'))).toBeLessThan(1e-6);
  });

  it('beats random directions, by their rank', async () => {
    const evidence = await evidenceOf(isotropicRows(n, d, 'noise').map((row) => sum(direction, row, 0.1)));
    const { statistic, details } = await measureLeadingDirection(final(evidence), 'random-directions');
    expect(details['rankP']).toBeCloseTo(1 / 21, 12);
    expect(details['highest']).toBeLessThan(0.9);
    // E|cos| of a random direction in d dimensions is about √(2/πd) = 0.2.
    expect(statistic(ones(n))).toBeGreaterThan(0.05);
    expect(statistic(ones(n))).toBeLessThan(0.4);
  });

  it('is judged on the rows of the synthetic matrix', async () => {
    const evidence = await evidenceOf(isotropicRows(8, d, 'rows'));
    expect(evidence.displacement('dpo', 'postNorm')).toMatchObject({
      rows: 8,
      columns: matrix(8, d).columns,
    });
  });
});
