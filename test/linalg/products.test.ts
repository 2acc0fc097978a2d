import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { gram, matrix, matrixFromRows, multiply, rowOf, transpose } from '../../src/linalg/index.js';
import { algebras, expectClose, matrices, randomMatrix, slowProduct } from './laws.js';

describe.each(algebras)('products by the $name algebra', (algebra) => {
  it('should be the sum over the inner index, whichever factor is transposed', () => {
    fc.assert(
      fc.property(
        matrices(),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        fc.boolean(),
        (a, columns, ta, tb) => {
          const b = randomMatrix(a.columns, columns, a.rows);
          const expected = slowProduct(a, b);
          const actual = multiply(ta ? transpose(a) : a, tb ? transpose(b) : b, {
            transposeA: ta,
            transposeB: tb,
            algebra,
          });
          expect([actual.rows, actual.columns]).toEqual([a.rows, columns]);
          expectClose(actual.data, expected.data, 1e-10);
        },
      ),
    );
  });

  it('should give both Gram matrices, whole and symmetric', () => {
    fc.assert(
      fc.property(matrices(19), (x) => {
        expectClose(gram(x, 'rows', { algebra }).data, slowProduct(x, transpose(x)).data, 1e-10);
        expectClose(gram(x, 'columns', { algebra }).data, slowProduct(transpose(x), x).data, 1e-10);
      }),
    );
  });

  it('should agree with the definition where the inner size exceeds a cache tile', () => {
    const x = randomMatrix(7, 700, 1);
    expectClose(gram(x, 'rows', { algebra }).data, slowProduct(x, transpose(x)).data, 1e-9);
  });
});

describe('matrices', () => {
  it('should refuse data and factors of the wrong size', () => {
    expect(() => matrix(2, 3, new Float64Array(5))).toThrow(UsageError);
    expect(() => matrixFromRows([[1, 2], [3]])).toThrow(/row 1 has 1 numbers/);
    expect(() => multiply(matrix(2, 3), matrix(2, 3))).toThrow(/inner sizes 3 and 2/);
  });

  it('should keep rows as views of the same memory', () => {
    const x = matrixFromRows([
      [1, 2],
      [3, 4],
    ]);
    rowOf(x, 1)[0] = 9;
    expect(Array.from(x.data)).toEqual([1, 2, 9, 4]);
    expect(Array.from(transpose(x).data)).toEqual([1, 9, 2, 4]);
  });
});
