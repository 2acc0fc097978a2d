/** The spectrum of ΔH under prompt weights, quickly: for bootstraps that redo it thousands of times. */

import { UsageError } from '../base/index.js';
import {
  type AlgebraOptions,
  addScaled,
  type DenseAlgebra,
  denseAlgebra,
  dot,
  type Matrix,
  matrix,
  norm,
  rowOf,
  smallerSide,
  symmetricEigen,
  type TopEigenpairs,
  topEigenpairs,
} from '../linalg/index.js';
import { type LeadingCoordinates, leadingCoordinates } from './leading-coordinates.js';

/**
 * σ2/σ1 of ΔH with row i times √w_i, under weights w [n] ≥ 0: for counts, of ΔH with row i repeated w_i times. 0 where
 * there is no second direction, NaN where all weighted rows are zero.
 */
export type RatioSampler = (weights: ArrayLike<number>) => number;

/**
 * The leading right singular vector [d] of the same, unit, on the side of ΔH's own; zeros where all weighted rows are zero.
 */
export type LeadingDirectionSampler = (weights: ArrayLike<number>) => Float64Array;

/** Relative accuracy of the two eigenvalues behind a ratio: far below what separates two draws. */
const RATIO_TOLERANCE = 1e-7;
/** That of the first eigenvalue behind a direction, whose own error is about the square root of it. */
const DIRECTION_TOLERANCE = 1e-11;

/** Leading eigenvectors of the unweighted Gram matrix that each draw starts from. */
const START_VECTORS = 2;

const usedRows = (weights: ArrayLike<number>, n: number): number[] => {
  if (weights.length !== n)
    throw new UsageError(`${n} displacements need as many weights, not ${weights.length}`);
  const used: number[] = [];
  for (let i = 0; i < n; i++) {
    const weight = weights[i] as number;
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new UsageError(`weight ${i} is ${weight}; weights are finite and not negative`);
    }
    if (weight > 0) used.push(i);
  }
  return used;
};

/** The leading eigenpairs of the weighted Gram matrix; of two, whose ratio is asked for, maybe the values alone. */
type WeightedPairs = (
  weights: ArrayLike<number>,
  count: number,
  tolerance: number,
) => TopEigenpairs | undefined;

/** The right singular vector (not normalised) that the leading eigenvector stands for. */
type RightVector = (weights: ArrayLike<number>, vector: Float64Array) => Float64Array;

/** Made of separate closures, so that who keeps `pairs` alone does not keep ΔH. */
interface WeightedSpectrum {
  readonly pairs: WeightedPairs;
  readonly right: RightVector;
  /** Leading eigenvectors of the unweighted Gram matrix, one a row. */
  readonly start: Matrix;
}

/** Up to this many columns the rows' outer products are kept, and a draw is one weighted sum over them. */
const FEW_COLUMNS = 32;

/** Σ w_i Δh_i Δh_iᵀ [d, d] as a function of the weights; the upper triangles of Δh_i Δh_iᵀ are made once. */
const createOuterProductSum = ({ rows, columns, data }: Matrix) => {
  const size = (columns * (columns + 1)) / 2;
  const products = new Float64Array(rows * size);
  let next = 0;
  for (let start = 0; start < data.length; start += columns) {
    for (let a = 0; a < columns; a++) {
      for (let b = a; b < columns; b++) {
        products[next++] = (data[start + a] as number) * (data[start + b] as number);
      }
    }
  }
  return (weights: ArrayLike<number>, used: readonly number[]): Matrix => {
    const packed = new Float64Array(size);
    for (const row of used) {
      const weight = weights[row] as number;
      const from = row * size;
      for (let j = 0; j < size; j++)
        packed[j] = (packed[j] as number) + weight * (products[from + j] as number);
    }
    const sum = matrix(columns, columns);
    let index = 0;
    for (let a = 0; a < columns; a++) {
      for (let b = a; b < columns; b++) {
        const value = packed[index++] as number;
        sum.data[a * columns + b] = value;
        sum.data[b * columns + a] = value;
      }
    }
    return sum;
  };
};

/** A ratio needs no vectors. */
const valuesAlone = (values: Float64Array, count: number): TopEigenpairs => ({
  values: values.slice(0, count),
  vectors: matrix(0, values.length),
  residuals: new Float64Array(count),
});

/**
 * Whether the leading eigenvalues of a Gram matrix crowd, as those of a null do: the search for some of them alone is then
 * slower than LAPACK finding all.
 */
const crowds = (energies: Float64Array): boolean => {
  const [first = 0, second = 0, third = 0] = energies;
  return second > 0.25 * first && third > 0.8 * second;
};

/** n ≥ d: Σ w_i Δh_i Δh_iᵀ [d, d] is formed anew from the rows in use. */
const overColumns =
  (delta: Matrix, start: Matrix, algebra: DenseAlgebra, isFlat: boolean): WeightedPairs =>
  (weights, count, tolerance) => {
    const used = usedRows(weights, delta.rows);
    if (used.length === 0) return undefined;
    const scaled = matrix(used.length, delta.columns);
    used.forEach((row, i) => {
      const root = Math.sqrt(weights[row] as number);
      const source = row * delta.columns;
      const target = i * delta.columns;
      for (let j = 0; j < delta.columns; j++)
        scaled.data[target + j] = root * (delta.data[source + j] as number);
    });
    const products = algebra.gram(scaled, 'columns');
    if (isFlat && count > 1) return valuesAlone(algebra.symmetricEigenvalues(products), count);
    return topEigenpairs(products, count, { start, tolerance, algebra });
  };

/** n ≥ d, and d small: as `overColumns`, from outer products that are kept. */
const overFewColumns = (delta: Matrix, start: Matrix, algebra: DenseAlgebra): WeightedPairs => {
  const sum = createOuterProductSum(delta);
  const { rows } = delta;
  return (weights, count, tolerance) => {
    const used = usedRows(weights, rows);
    if (used.length === 0) return undefined;
    return topEigenpairs(sum(weights, used), count, { start, tolerance, algebra });
  };
};

/** n < d: the rows' inner products [n, n] are kept; a draw takes those in use, times √(w_i w_j). */
const overRows =
  (products: Matrix, start: Matrix, algebra: DenseAlgebra): WeightedPairs =>
  (weights, count, tolerance) => {
    const used = usedRows(weights, products.rows);
    const m = used.length;
    if (m === 0) return undefined;
    const roots = used.map((row) => Math.sqrt(weights[row] as number));
    const weighted = matrix(m, m);
    used.forEach((row, i) => {
      const source = rowOf(products, row);
      const target = rowOf(weighted, i);
      const root = roots[i] as number;
      for (let j = 0; j < m; j++)
        target[j] = root * (roots[j] as number) * (source[used[j] as number] as number);
    });
    const guess = matrix(start.rows, m);
    for (let k = 0; k < start.rows; k++) {
      const source = rowOf(start, k);
      rowOf(guess, k).set(used.map((row, i) => (roots[i] as number) * (source[row] as number)));
    }
    return topEigenpairs(weighted, Math.min(count, m), { start: guess, tolerance, algebra });
  };

const rightOfRows =
  (delta: Matrix): RightVector =>
  (weights, vector) => {
    const out = new Float64Array(delta.columns);
    usedRows(weights, delta.rows).forEach((row, i) => {
      addScaled(out, Math.sqrt(weights[row] as number) * (vector[i] as number), rowOf(delta, row));
    });
    return out;
  };

const rightOfColumns: RightVector = (_, vector) => vector;

const rightOfCoordinates =
  (right: RightVector, toHidden: LeadingCoordinates['toHidden']): RightVector =>
  (weights, vector) =>
    toHidden(right(weights, vector));

export interface SpectrumSamplerOptions extends AlgebraOptions {
  /**
   * Energy, as a multiple of σ2², that the weakest directions left out may hold together; default 0, all are kept. Those
   * directions reach the leading ones only through the resampling noise of their inner products, about 1/√n each, so the
   * relative error in σ2/σ1 is about discard / 2n, well under a draw's own spread; a draw gets (d / kept)² times cheaper.
   */
  readonly discard?: number;
}

/** n < d: a draw's products over more directions than this share of n cost more than those of its rows, which are kept. */
const MOST_KEPT_OF_ROWS = 0.15;

/** How many leading directions leave no more than `discard`·σ2² of energy to the others. */
const directionsKept = (energies: Float64Array, discard: number): number => {
  const most = discard * (energies[1] ?? 0);
  let left = 0;
  let kept = energies.length;
  while (kept > 2) {
    left += energies[kept - 1] as number;
    if (left > most) break;
    kept--;
  }
  return kept;
};

const weightedSpectrum = (
  delta: Matrix,
  { discard = 0, ...options }: SpectrumSamplerOptions,
): WeightedSpectrum => {
  const algebra = denseAlgebra(options.algebra);
  const side = smallerSide(delta);
  const products = algebra.gram(delta, side);
  const { values, vectors } = symmetricEigen(products, { algebra });
  const basisSize = discard > 0 ? directionsKept(values, discard) : values.length;
  const mostKept = side === 'columns' ? values.length - 1 : MOST_KEPT_OF_ROWS * values.length;
  if (basisSize <= mostKept) {
    const { coordinates, toHidden } = leadingCoordinates(delta, { values, vectors }, basisSize, algebra);
    const within = weightedSpectrum(coordinates, options);
    return { ...within, right: rightOfCoordinates(within.right, toHidden) };
  }
  const kept = Math.min(START_VECTORS, vectors.rows);
  const start = matrix(kept, vectors.columns, vectors.data.slice(0, kept * vectors.columns));
  if (side === 'rows') return { pairs: overRows(products, start, algebra), right: rightOfRows(delta), start };
  const pairs =
    delta.columns <= FEW_COLUMNS
      ? overFewColumns(delta, start, algebra)
      : overColumns(delta, start, algebra, algebra.name === 'native' && crowds(values));
  return { pairs, right: rightOfColumns, start };
};

const ratioOf =
  (pairs: WeightedPairs, count: number): RatioSampler =>
  (weights) => {
    const [first = 0, second = 0] = pairs(weights, count, RATIO_TOLERANCE)?.values ?? [];
    return first > 0 ? Math.sqrt(Math.max(0, second) / first) : Number.NaN;
  };

/** A sampler over the rows of ΔH [n, d]; the work that weights do not change is done here, once. */
export const createRatioSampler = (delta: Matrix, options: SpectrumSamplerOptions = {}): RatioSampler => {
  const { pairs, start } = weightedSpectrum(delta, options);
  return ratioOf(pairs, start.rows);
};

const unit = (vector: Float64Array): Float64Array => {
  const length = norm(vector);
  return length > 0 ? vector.map((value) => value / length) : vector;
};

/** As `createRatioSampler`, of the leading direction; it keeps ΔH. */
export const createLeadingDirectionSampler = (
  delta: Matrix,
  options: SpectrumSamplerOptions = {},
): LeadingDirectionSampler => {
  const { pairs, right, start } = weightedSpectrum(delta, options);
  const ownDirection = unit(right(new Float64Array(delta.rows).fill(1), rowOf(start, 0)));
  return (weights) => {
    const found = pairs(weights, 1, DIRECTION_TOLERANCE);
    if (!found || !((found.values[0] ?? 0) > 0)) return new Float64Array(delta.columns);
    const direction = unit(right(weights, rowOf(found.vectors, 0)));
    return dot(direction, ownDirection) < 0 ? direction.map((value) => -value) : direction;
  };
};
