import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import { analyzeLayer, analyzeLayers, type LayerStates } from '../../src/geometry/index.js';
import { loadNativeBlas } from '../../src/linalg/index.js';
import { ensureBuilt } from '../e2e/built-cli.js';

const [n, d] = [96, 800];
const random = createRandom('layers');
const states = (layer: number): LayerStates => {
  const base = Float32Array.from({ length: n * d }, () => random.normal());
  return { layer, n, d, base, policy: base.map((value) => value + layer * 0.1 + 0.2 * random.normal()) };
};
async function* stream(layers: readonly LayerStates[]): AsyncGenerator<LayerStates> {
  yield* layers;
}
const threadsOf = (): number => {
  const blas = loadNativeBlas();
  return 'unavailable' in blas ? 0 : blas.threads;
};
const enough = 2 * (threadsOf() || 16) + 1;

describe('analyzeLayers', () => {
  beforeAll(ensureBuilt);

  it.each([1, enough])('should say of %i layers what analyzeLayer says of each, in order', async (count) => {
    const layers = Array.from({ length: count }, (_, index) => states(index + 1));
    const before = threadsOf();
    const found: Awaited<ReturnType<typeof analyzeLayer>>[] = [];
    for await (const statistics of analyzeLayers(stream(layers), { count, n, d })) found.push(statistics);
    expect(threadsOf()).toBe(before);
    expect(found.map(({ layer }) => layer)).toEqual(layers.map(({ layer }) => layer));
    for (const [index, own] of found.entries()) {
      const { layer, base, policy } = layers[index] ?? states(0);
      const expected = analyzeLayer(base, policy, n, d, { layer });
      expect(own.singularValues).toHaveLength(n);
      for (const [i, value] of expected.singularValues.entries()) {
        expect(Math.abs((own.singularValues[i] ?? 0) - value)).toBeLessThan(
          1e-9 * (expected.singularValues[0] ?? 1),
        );
      }
      expect(own.cosineToMean.mean).toBeCloseTo(expected.cosineToMean.mean, 12);
    }
  });

  it('should fail as analyzeLayer does, and give the BLAS its threads back', async () => {
    const layers = Array.from({ length: enough }, (_, index) => states(index + 1));
    layers[1]?.policy.set([Number.NaN], 5 * d);
    const before = threadsOf();
    const run = async (): Promise<void> => {
      for await (const _ of analyzeLayers(stream(layers), { count: enough, n, d }));
    };
    await expect(run()).rejects.toThrow(/row 5|prompt 5|NaN/);
    expect(threadsOf()).toBe(before);
  });
});
