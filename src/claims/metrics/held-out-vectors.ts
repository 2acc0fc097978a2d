/** `held-out-vectors`: the instrument itself. No prompt has a part in the vector that judges it. */
import fc from 'fast-check';
import { estimateVectors, type VectorEstimator } from '../../geometry/index.js';
import { matrix } from '../../linalg/index.js';
import { crossFitted } from '../evidence/cross-fitted-vectors.js';
import type { ControlId } from './catalogue.js';
import { entry } from './law-case.js';
import type { Measurement } from './measurement.js';
import { measureProperty } from './property.js';

interface VectorCase {
  /** ΔH, rows of one width. */
  readonly rows: readonly (readonly number[])[];
  /** What is done to a row to see whom it moves. */
  readonly push: number;
  /** Which row. */
  readonly changed: number;
  readonly estimator: VectorEstimator;
}

const vectorCase: fc.Arbitrary<VectorCase> = fc
  .tuple(fc.integer({ min: 4, max: 12 }), fc.integer({ min: 2, max: 8 }))
  .chain(([n, d]) =>
    fc.record({
      rows: fc.array(fc.array(entry(3), { minLength: d, maxLength: d }), { minLength: n, maxLength: n }),
      push: fc.integer({ min: 1, max: 9 }),
      changed: fc.nat(n - 1),
      estimator: fc.constantFrom<VectorEstimator>('mean', 'leading-singular', 'per-source'),
    }),
  );

const same = (a: Float64Array, b: Float64Array): boolean => a.every((value, i) => value === b[i]);

/** Pushing one row must leave the vector that judges it as it was; the variant `in-sample` judges by the row's own fold. */
export const measureHeldOutVectors = (subject: 'claim' | ControlId, seed: number): Promise<Measurement> =>
  measureProperty(
    vectorCase,
    async ({ rows, push, changed, estimator }) => {
      const width = rows[0]?.length ?? 0;
      const folds = Uint8Array.from(rows, (_, i) => i % 2);
      const sources = rows.map((_, i) => `source ${i}`);
      const judge = (given: VectorCase['rows']): Float64Array => {
        const delta = matrix(given.length, width, Float64Array.from(given.flat()));
        const vectors = crossFitted(
          estimateVectors(delta, folds, sources, { estimator, component: 1 }),
          folds,
        );
        if (subject === 'in-sample') return vectors.byFold[folds[changed] === 0 ? 0 : 1];
        return vectors.judging(changed);
      };
      const pushed = rows.map((row, i) => (i === changed ? row.map((value) => value + push) : row));
      return same(judge(rows), judge(pushed));
    },
    { seed, shrink: subject === 'claim' },
  );
