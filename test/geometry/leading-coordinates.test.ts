import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leadingCoordinates } from '../../src/geometry/leading-coordinates.js';
import { rowOf, smallerSide, symmetricEigen } from '../../src/linalg/index.js';
import { algebras, randomMatrix } from '../linalg/laws.js';

describe.each(algebras)('leading coordinates by the $name algebra', (algebra) => {
  it('should give back every row where no direction is left out, tall or wide', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 2, max: 12 }),
        fc.nat(),
        (n, d, seed) => {
          const delta = randomMatrix(n, d, seed);
          const eigen = symmetricEigen(algebra.gram(delta, smallerSide(delta)), { algebra });
          const rank = Math.min(n, d);
          // A direction of almost no energy is all rounding.
          fc.pre((eigen.values[rank - 1] ?? 0) > 1e-6 * (eigen.values[0] ?? 0));
          const { coordinates, toHidden } = leadingCoordinates(delta, eigen, rank, algebra);
          for (let i = 0; i < n; i++) {
            const back = toHidden(rowOf(coordinates, i).slice());
            rowOf(delta, i).forEach((value, j) => {
              expect(back[j]).toBeCloseTo(value, 8);
            });
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
