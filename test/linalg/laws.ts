/** Laws and generators that the linear-algebra tests share. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import {
  type DenseAlgebra,
  denseAlgebra,
  loadNativeBlas,
  type Matrix,
  matrix,
} from '../../src/linalg/index.js';

const blas = loadNativeBlas();
export const nativeReason = 'unavailable' in blas ? ` (skipped: ${blas.unavailable})` : '';
export const hasNative = !('unavailable' in blas);

/** Every algebra of this machine. */
export const algebras: readonly DenseAlgebra[] = [
  denseAlgebra('portable'),
  ...(hasNative ? [denseAlgebra('native')] : []),
];

/** A [rows, columns] matrix of normals, some of them with a shift or a decaying spectrum, so that all shapes of spectrum occur. */
export const randomMatrix = (rows: number, columns: number, seed: number): Matrix => {
  const random = createRandom(seed);
  const shift = seed % 3 === 0 ? 2 : 0;
  const decay = seed % 2 === 0 ? 0.5 : 1;
  const data = Float64Array.from(
    { length: rows * columns },
    (_, i) => shift + random.normal() * decay ** (i % columns),
  );
  return matrix(rows, columns, data);
};

/** Matrices of up to `largest` rows and columns. */
export const matrices = (largest = 12): fc.Arbitrary<Matrix> =>
  fc
    .tuple(fc.integer({ min: 1, max: largest }), fc.integer({ min: 1, max: largest }), fc.nat(1_000_000))
    .map(([rows, columns, seed]) => randomMatrix(rows, columns, seed));

/** Symmetric matrices, definite or not, with repeated eigenvalues among them. */
export const symmetricMatrices = (largest = 12): fc.Arbitrary<Matrix> =>
  fc.tuple(fc.integer({ min: 1, max: largest }), fc.nat(1_000_000)).map(([n, seed]) => {
    const square = randomMatrix(n, n, seed);
    const data = square.data.map((value, i) => {
      const mirrored = square.data[(i % n) * n + Math.floor(i / n)] as number;
      return seed % 5 === 0 ? Math.round(value + mirrored) : value + mirrored;
    });
    return matrix(n, n, data);
  });

export const expectClose = (
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    if (!(difference <= tolerance)) {
      expect.fail(`entry ${i}: ${actual[i]} is ${difference} from ${expected[i]}, more than ${tolerance}`);
    }
  }
};

/** The product by its definition. */
export const slowProduct = (a: Matrix, b: Matrix): Matrix => {
  const out = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      let sum = 0;
      for (let k = 0; k < a.columns; k++) {
        sum += (a.data[i * a.columns + k] as number) * (b.data[k * b.columns + j] as number);
      }
      out.data[i * b.columns + j] = sum;
    }
  }
  return out;
};

export const greatest = ({ data }: Matrix): number =>
  data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
