/**
 * Eigenvalues of symmetric matrices in TypeScript: Householder reduction to tridiagonal form, then implicit QL
 * (Golub and Van Loan, sections 8.3.1 and 8.3.3). Eigenvectors are kept as rows, so that every inner loop runs along
 * one row. Without vectors it is several times faster than a solver that always makes them.
 */

import { ComputationError } from '../base/index.js';

/** A = Q·T·Qᵀ with T tridiagonal and Q a product of reflections. */
export interface Tridiagonal {
  /** [n]. */
  readonly diagonal: Float64Array;
  /** [n]; entry i couples i and i + 1, the last is 0. */
  readonly offDiagonal: Float64Array;
  /** Householder vector k, over coordinates k + 1 ..., in row k of a flat [n, n] array; its scale in `scales[k]`. */
  readonly reflectors: Float64Array;
  readonly scales: Float64Array;
}

/** Writes the part below the diagonal of column k into row k of `reflectors`, reflected to a multiple of e₁. */
const reflector = (
  work: Float64Array,
  n: number,
  k: number,
  out: Float64Array,
  negligible: number,
): { scale: number; length: number } => {
  const base = k * n;
  let tail = 0;
  for (let i = k + 1; i < n; i++) {
    const value = work[i * n + k] as number;
    out[base + i] = value;
    if (i > k + 1) tail += value * value;
  }
  const head = out[base + k + 1] as number;
  if (tail <= negligible) return { scale: 0, length: head };
  const length = head > 0 ? -Math.sqrt(head * head + tail) : Math.sqrt(head * head + tail);
  const first = head - length;
  out[base + k + 1] = first;
  return { scale: 2 / (first * first + tail), length };
};

/** A ← H·A·H on the lower triangle behind column k: A − v·wᵀ − w·vᵀ. */
const reflectBothSides = (
  work: Float64Array,
  n: number,
  k: number,
  reflectors: Float64Array,
  scale: number,
  w: Float64Array,
): void => {
  const base = k * n;
  w.fill(0, k + 1);
  for (let i = k + 1; i < n; i++) {
    const row = i * n;
    const own = reflectors[base + i] as number;
    let sum = 0;
    for (let j = k + 1; j < i; j++) {
      const value = work[row + j] as number;
      sum += value * (reflectors[base + j] as number);
      w[j] = (w[j] as number) + value * own;
    }
    w[i] = (w[i] as number) + sum + (work[row + i] as number) * own;
  }
  let inner = 0;
  for (let i = k + 1; i < n; i++) inner += (w[i] as number) * (reflectors[base + i] as number);
  const correction = 0.5 * scale * scale * inner;
  for (let i = k + 1; i < n; i++)
    w[i] = scale * (w[i] as number) - correction * (reflectors[base + i] as number);
  for (let i = k + 1; i < n; i++) {
    const row = i * n;
    const own = reflectors[base + i] as number;
    const other = w[i] as number;
    for (let j = k + 1; j <= i; j++) {
      work[row + j] =
        (work[row + j] as number) - own * (w[j] as number) - other * (reflectors[base + j] as number);
    }
  }
};

/** The tridiagonal form of the symmetric [n, n] matrix whose lower triangle stands in `a`. */
export const tridiagonalise = (a: Float64Array, n: number): Tridiagonal => {
  const work = a.slice();
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const reflectors = new Float64Array(n * n);
  const scales = new Float64Array(n);
  const w = new Float64Array(n);
  let size = 0;
  for (let i = 0; i < work.length; i++) size = Math.max(size, Math.abs(work[i] as number));
  // Columns of rounding alone are not worth a reflection, and would underflow when squared again and again.
  const negligible = (0.01 * Number.EPSILON * size) ** 2;
  for (let k = 0; k < n - 1; k++) {
    const { scale, length } = reflector(work, n, k, reflectors, negligible);
    offDiagonal[k] = length;
    scales[k] = scale;
    if (scale !== 0) reflectBothSides(work, n, k, reflectors, scale, w);
  }
  for (let i = 0; i < n; i++) diagonal[i] = work[i * n + i] as number;
  return { diagonal, offDiagonal, reflectors, scales };
};

/** The product of the reflectors, transposed: row i is the i-th basis vector in which A is tridiagonal. */
const basisRows = ({ reflectors, scales }: Tridiagonal, n: number): Float64Array => {
  const rows = new Float64Array(n * n);
  for (let i = 0; i < n; i++) rows[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    const scale = scales[k] as number;
    if (scale === 0) continue;
    const base = k * n;
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += (rows[row + j] as number) * (reflectors[base + j] as number);
      sum *= scale;
      for (let j = k + 1; j < n; j++) {
        rows[row + j] = (rows[row + j] as number) - sum * (reflectors[base + j] as number);
      }
    }
  }
  return rows;
};

const rotateRows = (rows: Float64Array, n: number, i: number, c: number, s: number): void => {
  const upper = i * n;
  const lower = upper + n;
  for (let j = 0; j < n; j++) {
    const a = rows[upper + j] as number;
    const b = rows[lower + j] as number;
    rows[lower + j] = s * a + c * b;
    rows[upper + j] = c * a - s * b;
  }
};

/** One implicit QL sweep over the unreduced block [first, last]. */
const sweep = (
  d: Float64Array,
  e: Float64Array,
  first: number,
  last: number,
  rows: Float64Array | undefined,
): void => {
  const n = d.length;
  const half = ((d[first + 1] as number) - (d[first] as number)) / (2 * (e[first] as number));
  const root = Math.sqrt(half * half + 1);
  let g =
    (d[last] as number) - (d[first] as number) + (e[first] as number) / (half + (half < 0 ? -root : root));
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = last - 1; i >= first; i--) {
    const f = s * (e[i] as number);
    const b = c * (e[i] as number);
    const r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] = (d[i + 1] as number) - p;
      e[last] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = (d[i + 1] as number) - p;
    const t = ((d[i] as number) - g) * s + 2 * c * b;
    p = s * t;
    d[i + 1] = g + p;
    g = c * t - b;
    if (rows) rotateRows(rows, n, i, c, s);
  }
  d[first] = (d[first] as number) - p;
  e[first] = g;
  e[last] = 0;
};

/** Turns the diagonal into the eigenvalues (unordered); rotates `rows` along where they are given. */
export const diagonalise = (d: Float64Array, e: Float64Array, rows: Float64Array | undefined): void => {
  const n = d.length;
  let size = 0;
  for (let i = 0; i < n; i++) size = Math.max(size, Math.abs(d[i] as number), Math.abs(e[i] as number));
  // What the reduction to tridiagonal form has spoilt anyway; without it, blocks of pure rounding never settle.
  const nothing = 0.25 * Number.EPSILON * size;
  for (let first = 0; first < n; first++) {
    for (let sweeps = 0; ; sweeps++) {
      let last = first;
      for (; last < n - 1; last++) {
        const scale = Math.abs(d[last] as number) + Math.abs(d[last + 1] as number);
        if (Math.abs(e[last] as number) <= Math.max(Number.EPSILON * scale, nothing)) break;
      }
      if (last === first) break;
      if (sweeps === 100)
        throw new ComputationError('the eigenvalues of a symmetric matrix did not converge');
      sweep(d, e, first, last, rows);
    }
  }
};

export interface RawEigen {
  /** Eigenvalues [n], descending. */
  readonly values: Float64Array;
  /** Flat [n, n], row k the eigenvector of `values[k]`; absent where not asked for. */
  readonly vectors: Float64Array | undefined;
}

/**
 * Eigenvalues, and eigenvectors if asked for, of the symmetric [n, n] matrix whose lower triangle stands in `a`.
 *
 * @throws {ComputationError} if QL does not converge
 */
export const tridiagonalEigen = (a: Float64Array, n: number, wantVectors: boolean): RawEigen => {
  const reduced = tridiagonalise(a, n);
  const rows = wantVectors ? basisRows(reduced, n) : undefined;
  diagonalise(reduced.diagonal, reduced.offDiagonal, rows);
  if (!rows) return { values: reduced.diagonal.sort().reverse(), vectors: undefined };
  const { diagonal } = reduced;
  const order = Array.from(diagonal, (_, i) => i).sort(
    (i, j) => (diagonal[j] as number) - (diagonal[i] as number),
  );
  const vectors = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const source = (order[k] as number) * n;
    vectors.set(rows.subarray(source, source + n), k * n);
  }
  return { values: Float64Array.from(order, (i) => diagonal[i] as number), vectors };
};
