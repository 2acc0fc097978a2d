/**
 * All eigenvalues and the first few eigenvectors of a small dense symmetric matrix, without the cost of all vectors:
 * each wanted one comes from a twisted factorisation of T − λ (Dhillon and Parlett 2004, "getvec") and is carried back.
 */

import { diagonalise, type Tridiagonal, tridiagonalEigen, tridiagonalise } from './tridiagonal-eigen.js';

/** Eigenvalues nearer than this share of the largest get the slower method, which keeps their vectors apart. */
const CLOSE = 1e-5;

/** The eigenvector of T for the eigenvalue `lambda`, not normalised. */
const twistedVector = (d: Float64Array, e: Float64Array, lambda: number, tiny: number): Float64Array => {
  const n = d.length;
  const guarded = (pivot: number): number => (Math.abs(pivot) < tiny ? tiny : pivot);
  const down = new Float64Array(n);
  const up = new Float64Array(n);
  const z = new Float64Array(n);
  down[0] = guarded((d[0] as number) - lambda);
  for (let i = 0; i + 1 < n; i++) {
    const coupling = e[i] as number;
    down[i + 1] = guarded((d[i + 1] as number) - lambda - (coupling * coupling) / (down[i] as number));
  }
  up[n - 1] = guarded((d[n - 1] as number) - lambda);
  for (let i = n - 2; i >= 0; i--) {
    const coupling = e[i] as number;
    up[i] = guarded((d[i] as number) - lambda - (coupling * coupling) / (up[i + 1] as number));
  }
  let twist = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    const size = Math.abs((down[i] as number) + (up[i] as number) - ((d[i] as number) - lambda));
    if (size < least) {
      least = size;
      twist = i;
    }
  }
  z[twist] = 1;
  for (let i = twist - 1; i >= 0; i--)
    z[i] = (-(e[i] as number) * (z[i + 1] as number)) / (down[i] as number);
  for (let i = twist; i + 1 < n; i++)
    z[i + 1] = (-(e[i] as number) * (z[i] as number)) / (up[i + 1] as number);
  return z;
};

/** z ← Q·z, normalised. */
const carryBack = (z: Float64Array, { reflectors, scales }: Tridiagonal): void => {
  const n = z.length;
  for (let k = n - 2; k >= 0; k--) {
    const base = k * n;
    let sum = 0;
    for (let j = k + 1; j < n; j++) sum += (z[j] as number) * (reflectors[base + j] as number);
    sum *= scales[k] as number;
    for (let j = k + 1; j < n; j++) z[j] = (z[j] as number) - sum * (reflectors[base + j] as number);
  }
  let square = 0;
  for (let j = 0; j < n; j++) square += (z[j] as number) ** 2;
  const scale = 1 / Math.sqrt(square);
  for (let j = 0; j < n; j++) z[j] = (z[j] as number) * scale;
};

/** Eigenvalues [n], descending, and the unit eigenvectors of the first k of them. */
export const leadingEigen = (
  a: Float64Array,
  n: number,
  k: number,
): { values: Float64Array; vectors: Float64Array[] } => {
  const reduced = tridiagonalise(a, n);
  const diagonal = Float64Array.from(reduced.diagonal);
  diagonalise(diagonal, Float64Array.from(reduced.offDiagonal), undefined);
  const values = diagonal.sort().reverse();
  const size = Math.max(Math.abs(values[0] as number), Math.abs(values[n - 1] as number));
  let close = false;
  for (let i = 0; i < k && i + 1 < n; i++) {
    close ||= (values[i] as number) - (values[i + 1] as number) <= CLOSE * size;
  }
  if (close) {
    const { values: exact, vectors } = tridiagonalEigen(a, n, true);
    return {
      values: exact,
      vectors: Array.from({ length: k }, (_, i) => (vectors as Float64Array).slice(i * n, (i + 1) * n)),
    };
  }
  const vectors = Array.from({ length: k }, (_, i) => {
    const z = twistedVector(
      reduced.diagonal,
      reduced.offDiagonal,
      values[i] as number,
      Number.EPSILON * size,
    );
    carryBack(z, reduced);
    return z;
  });
  return { values, vectors };
};
