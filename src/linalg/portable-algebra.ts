/** Dense algebra in TypeScript alone: tiled products, eigenvalues by QL, the SVD by ml-matrix. */

import { type Matrix as MlMatrix, Matrix as MlMatrixClass, SingularValueDecomposition } from 'ml-matrix';
import type { DenseAlgebra } from './dense-algebra.js';
import { type Matrix, matrix, transpose } from './matrix.js';
import { tridiagonalEigen } from './tridiagonal-eigen.js';
import { inner } from './vectors.js';

/** Columns of both factors that a tile walks at once: eight rows of them stay in the first-level cache. */
const DEPTH = 256;

/** Adds ⟨row i of x, row j of y⟩ over columns [from, to) to `out` (row length `stride`), for 4 × 4 tiles of (i, j). */
const addTile = (
  x: Float64Array,
  y: Float64Array,
  depth: number,
  i: number,
  j: number,
  from: number,
  to: number,
  out: Float64Array,
  stride: number,
): void => {
  const a0 = i * depth;
  const a1 = a0 + depth;
  const b0 = j * depth;
  const b1 = b0 + depth;
  const b2 = b1 + depth;
  const b3 = b2 + depth;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  for (let k = from; k < to; k++) {
    const p = x[a0 + k] as number;
    const q = x[a1 + k] as number;
    const r = y[b0 + k] as number;
    const s = y[b1 + k] as number;
    const t = y[b2 + k] as number;
    const u = y[b3 + k] as number;
    s00 += p * r;
    s01 += p * s;
    s02 += p * t;
    s03 += p * u;
    s10 += q * r;
    s11 += q * s;
    s12 += q * t;
    s13 += q * u;
  }
  const o0 = i * stride + j;
  const o1 = o0 + stride;
  out[o0] = (out[o0] as number) + s00;
  out[o0 + 1] = (out[o0 + 1] as number) + s01;
  out[o0 + 2] = (out[o0 + 2] as number) + s02;
  out[o0 + 3] = (out[o0 + 3] as number) + s03;
  out[o1] = (out[o1] as number) + s10;
  out[o1 + 1] = (out[o1 + 1] as number) + s11;
  out[o1 + 2] = (out[o1 + 2] as number) + s12;
  out[o1 + 3] = (out[o1 + 3] as number) + s13;
};

const dotRows = (x: Float64Array, i: number, y: Float64Array, j: number, depth: number): number => {
  let sum = 0;
  for (let k = 0; k < depth; k++) sum += (x[i * depth + k] as number) * (y[j * depth + k] as number);
  return sum;
};

/** X·Yᵀ of [m, depth] and [n, depth]; with `lower`, only entries j ≤ i are sure to be filled (X is then Y). */
const productOfRows = (x: Matrix, y: Matrix, lower: boolean): Matrix => {
  const depth = x.columns;
  const out = new Float64Array(x.rows * y.rows);
  const tiledRows = x.rows - (x.rows % 2);
  const tiledColumns = y.rows - (y.rows % 4);
  for (let from = 0; from < depth; from += DEPTH) {
    const to = Math.min(depth, from + DEPTH);
    for (let i = 0; i < tiledRows; i += 2) {
      const last = lower ? Math.min(tiledColumns, i + 2) : tiledColumns;
      for (let j = 0; j < last; j += 4) addTile(x.data, y.data, depth, i, j, from, to, out, y.rows);
    }
  }
  for (let i = 0; i < x.rows; i++) {
    const start = i < tiledRows ? tiledColumns : 0;
    for (let j = start; j < (lower ? i + 1 : y.rows); j++) {
      out[i * y.rows + j] = dotRows(x.data, i, y.data, j, depth);
    }
  }
  return matrix(x.rows, y.rows, out);
};

const mirrorLower = (a: Matrix): Matrix => {
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < i; j++) a.data[j * a.rows + i] = a.data[i * a.rows + j] as number;
  }
  return a;
};

const toMl = ({ rows, columns, data }: Matrix): MlMatrix =>
  MlMatrixClass.from1DArray(rows, columns, data as unknown as number[]);

/** Indices of `values`, the greatest value first. */
const descending = (values: readonly number[]): number[] =>
  values.map((_, index) => index).sort((i, j) => (values[j] as number) - (values[i] as number));

export const portableAlgebra: DenseAlgebra = {
  name: 'portable',

  multiply: (a, b, transposeA, transposeB) =>
    productOfRows(transposeA ? transpose(a) : a, transposeB ? b : transpose(b), false),

  gram: (x, side) => {
    const rows = side === 'rows' ? x : transpose(x);
    return mirrorLower(productOfRows(rows, rows, true));
  },

  applySymmetric: ({ rows, data }, vector, out) => {
    let i = 0;
    // Four rows at a time: independent sums keep the processor's adders busy.
    for (; i + 3 < rows; i += 4) {
      const r0 = i * rows;
      const r1 = r0 + rows;
      const r2 = r1 + rows;
      const r3 = r2 + rows;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let j = 0; j < rows; j++) {
        const v = vector[j] as number;
        s0 += (data[r0 + j] as number) * v;
        s1 += (data[r1 + j] as number) * v;
        s2 += (data[r2 + j] as number) * v;
        s3 += (data[r3 + j] as number) * v;
      }
      out[i] = s0;
      out[i + 1] = s1;
      out[i + 2] = s2;
      out[i + 3] = s3;
    }
    for (; i < rows; i++) out[i] = inner(data.subarray(i * rows, (i + 1) * rows), vector);
  },

  symmetricEigen: (a) => {
    const { values, vectors } = tridiagonalEigen(a.data, a.rows, true);
    return { values, vectors: matrix(a.rows, a.rows, vectors) };
  },

  symmetricEigenvalues: (a) => tridiagonalEigen(a.data, a.rows, false).values,

  singularValueDecomposition: (x) => {
    const rank = Math.min(x.rows, x.columns);
    if (rank === 0) {
      return { left: matrix(x.rows, 0), values: new Float64Array(0), right: matrix(0, x.columns) };
    }
    const svd = new SingularValueDecomposition(toMl(x), { autoTranspose: true });
    const order = descending(svd.diagonal);
    const left = matrix(x.rows, rank);
    const right = matrix(rank, x.columns);
    order.forEach((column, k) => {
      for (let i = 0; i < x.rows; i++) left.data[i * rank + k] = svd.leftSingularVectors.get(i, column);
      for (let j = 0; j < x.columns; j++) {
        right.data[k * x.columns + j] = svd.rightSingularVectors.get(j, column);
      }
    });
    return { left, values: Float64Array.from(order, (column) => svd.diagonal[column] as number), right };
  },
};
