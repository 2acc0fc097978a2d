import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { padBatch, type TokenBatch } from '../../src/data/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import {
  type Intervention,
  interventionHooks,
  type RowIntervention,
  steerRow,
} from '../../src/steering/index.js';
import { maxDifference } from '../model/golden.js';

const d = 6;
const model = { hiddenSize: d, layers: 2 };

beforeAll(async () => {
  await startEngine('auto');
});

const entry = fc.double({ min: -3, max: 3, noNaN: true });
const rowOf = fc.array(entry, { minLength: d, maxLength: d }).map((values) => Float32Array.from(values));
const direction = rowOf.filter((values) => Math.hypot(...values) > 0.1);
const strength = fc.double({ min: 0, max: 4, noNaN: true });

const steered = (row: Float32Array, ...interventions: RowIntervention[]): Float32Array => {
  const copy = Float32Array.from(row);
  for (const intervention of interventions) steerRow(copy, intervention);
  return copy;
};
const along = (row: Float32Array, vector: Float32Array): number =>
  row.reduce((sum, value, i) => sum + value * (vector[i] ?? 0), 0) / Math.hypot(...vector);

describe('steerRow', () => {
  it('should be undone by the same addition with negative λ', () => {
    fc.assert(
      fc.property(rowOf, direction, strength, (row, vector, lambda) => {
        const back = steered(row, { kind: 'add', vector, lambda }, { kind: 'add', vector, lambda: -lambda });
        expect(maxDifference(back, row)).toBeLessThan(1e-5);
      }),
    );
  });

  it('should remove a direction for good when ablating: a second ablation at λ = 1 changes nothing', () => {
    fc.assert(
      fc.property(rowOf, direction, (row, vector) => {
        const ablate: RowIntervention = { kind: 'ablate', vector, lambda: 1 };
        const once = steered(row, ablate);
        expect(Math.abs(along(once, vector))).toBeLessThan(1e-5);
        expect(maxDifference(steered(once, ablate), once)).toBeLessThan(1e-5);
      }),
    );
  });

  it('should scale the component along the direction by 1 − λ when ablating, whatever the vector’s length', () => {
    fc.assert(
      fc.property(rowOf, direction, strength, (row, vector, lambda) => {
        const result = steered(row, { kind: 'ablate', vector: vector.map((value) => value * 7), lambda });
        expect(along(result, vector)).toBeCloseTo((1 - lambda) * along(row, vector), 4);
      }),
    );
  });

  it('should keep row norms when norm preserving', () => {
    fc.assert(
      fc.property(
        rowOf,
        direction,
        strength,
        fc.constantFrom('add', 'ablate'),
        (row, vector, lambda, kind) => {
          const moved = steered(row, { kind, vector, lambda });
          fc.pre(Math.hypot(...moved) > 1e-2);
          const kept = steered(row, { kind, vector, lambda, normPreserving: true });
          expect(Math.hypot(...kept)).toBeCloseTo(Math.hypot(...row), 4);
          const turned = kept.reduce((sum, value, i) => sum + value * (moved[i] ?? 0), 0);
          expect(turned).toBeCloseTo(Math.hypot(...kept) * Math.hypot(...moved), 3);
        },
      ),
    );
  });
});

const lengths = [3, 5];
const promptLengths = [2, 4];
const batch: TokenBatch = padBatch(
  lengths.map((length) => new Int32Array(length).fill(1)),
  0,
);
const rowCount = batch.batch * batch.length;

const applyAt = async (
  hidden: Float32Array,
  interventions: readonly Intervention[],
  site: number | 'postNorm',
): Promise<Float32Array> => {
  const result = tf.tidy(() => {
    const hooks = interventionHooks(model, interventions, promptLengths);
    const h = tf.tensor2d(hidden, [rowCount, d]);
    const changed =
      site === 'postNorm' ? hooks.transformFinal?.(h, batch) : hooks.transformResidual?.(h, site, batch);
    return changed ?? h;
  });
  const values = await result.data<'float32'>();
  result.dispose();
  return values;
};

describe('interventionHooks', () => {
  const hiddenOf = fc
    .array(entry, { minLength: rowCount * d, maxLength: rowCount * d })
    .map((values) => Float32Array.from(values));
  const interventionOf: fc.Arbitrary<Intervention> = fc.record({
    kind: fc.constantFrom('add', 'ablate'),
    at: fc.constantFrom<Intervention['at'][]>(1, 2, 'postNorm'),
    vector: direction,
    lambda: strength,
    normPreserving: fc.boolean(),
    positions: fc.constantFrom('all', 'completion'),
  });

  it('should agree with steerRow on the rows they act on, in order, and leave other rows and sites alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        hiddenOf,
        fc.array(interventionOf, { maxLength: 3 }),
        async (hidden, interventions) => {
          for (const site of [1, 2, 'postNorm'] as const) {
            const expected = Float32Array.from(hidden);
            for (let row = 0; row < rowCount; row++) {
              const [b, t] = [Math.floor(row / batch.length), row % batch.length];
              const isPadding = t >= (lengths[b] ?? 0);
              const isCompletion = t >= (promptLengths[b] ?? 0) - 1 && !isPadding;
              for (const intervention of interventions) {
                if (intervention.at !== site) continue;
                if (intervention.positions === 'all' || isCompletion) {
                  steerRow(expected.subarray(row * d, (row + 1) * d), intervention);
                }
              }
            }
            expect(maxDifference(await applyAt(hidden, interventions, site), expected)).toBeLessThan(2e-3);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  const vector = Float32Array.of(1, 0, 0, 0, 0, 0);
  const add: Intervention = { kind: 'add', at: 2, vector, lambda: 1, positions: 'all' };

  it('should tell the residual stream after the last block from the final hidden state', async () => {
    const hidden = new Float32Array(rowCount * d).fill(1);
    expect(await applyAt(hidden, [add], 'postNorm')).toEqual(hidden);
    expect(await applyAt(hidden, [{ ...add, at: 'postNorm' }], 2)).toEqual(hidden);
    expect(await applyAt(hidden, [add], 2)).not.toEqual(hidden);
  });

  it('should refuse what cannot be meant', () => {
    const refuse = (change: Partial<Intervention>, message: RegExp): void => {
      const attempt = () => interventionHooks(model, [{ ...add, ...change }], promptLengths);
      expect(attempt).toThrow(UsageError);
      expect(attempt).toThrow(message);
    };
    refuse({ at: 0 }, /no layer 0/);
    refuse({ at: 3 }, /no layer 3/);
    refuse({ at: 1.5 }, /no layer/);
    refuse({ vector: new Float32Array(d + 1) }, /7 dimensions/);
    refuse({ lambda: Number.NaN }, /finite/);
    refuse({ vector: new Float32Array(d).fill(Number.NaN) }, /finite/);
    refuse({ kind: 'ablate', vector: new Float32Array(d) }, /no direction/);
    refuse({ kind: 'ablate', lambda: -1 }, /strengthen/);
    expect(() => interventionHooks(model, [{ ...add, positions: 'completion' }])).toThrow(
      /where each prompt ends/,
    );
  });
});
