/** The whole spectrum of ΔH under prompt weights, quickly: for bootstraps of entropies and dimension counts. */

import { UsageError } from '../base/index.js';
import {
  type AlgebraOptions,
  type DenseAlgebra,
  denseAlgebra,
  type Matrix,
  matrix,
  smallerSide,
  symmetricEigen,
} from '../linalg/index.js';
import { leadingCoordinates } from './leading-coordinates.js';

/**
 * Shares of energy σ_k²/Σσ² [min(n, d)], descending, of ΔH with row i times √w_i; NaN where all weighted rows are zero.
 */
export type EnergyShareSampler = (weights: ArrayLike<number>) => Float64Array;

export interface EnergyShareSamplerOptions extends AlgebraOptions {
  /**
   * Directions followed each by itself, at most; default 12. The weaker ones are followed in sum: their total is exact in
   * every draw, how it is divided among them stays as it is under equal weights, which are always exact. Of m such
   * directions with share t of the energy a draw of n prompts moves the division's entropy by t·√(2/mn) or so, far less
   * than the total's own spread. What is left out beside is the constant t·m/2n by which repeated prompts make any
   * resample look lower in dimension than the sample is.
   */
  readonly followed?: number;
  /** Weakest directions that together hold no more than this share of the energy need no following. Default 0.005. */
  readonly tail?: number;
}

interface Coordinates {
  /** Each row of ΔH in its leading right singular directions [n, k]. */
  readonly leading: Matrix;
  /** Energy of each row outside of them [n]. */
  readonly outside: Float64Array;
  /** How `outside` is divided among the other directions: shares of it, descending. */
  readonly division: Float64Array;
}

const energyOfRows = ({ rows, columns, data }: Matrix): Float64Array => {
  const energies = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let energy = 0;
    for (let j = i * columns; j < (i + 1) * columns; j++) energy += (data[j] as number) ** 2;
    energies[i] = energy;
  }
  return energies;
};

/** How many leading directions leave at most `tail` of the energy to the others. */
const directionsKept = (energies: Float64Array, tail: number): number => {
  const most = tail * energies.reduce((sum, energy) => sum + energy, 0);
  let left = 0;
  let kept = energies.length;
  while (kept > 1) {
    left += energies[kept - 1] as number;
    if (left > most) break;
    kept--;
  }
  return kept;
};

const coordinatesOf = (
  delta: Matrix,
  { tail = 0.005, followed = 12 }: EnergyShareSamplerOptions,
  algebra: DenseAlgebra,
): Coordinates => {
  const side = smallerSide(delta);
  const { values, vectors } = symmetricEigen(algebra.gram(delta, side), { algebra });
  const energies = values.map((value) => Math.max(0, value));
  const kept = Math.min(followed, directionsKept(energies, tail));
  const { coordinates: leading } = leadingCoordinates(delta, { values, vectors }, kept, algebra);
  const inside = energyOfRows(leading);
  const rest = energies.subarray(kept);
  const total = rest.reduce((sum, energy) => sum + energy, 0);
  return {
    leading,
    outside: energyOfRows(delta).map((energy, i) => Math.max(0, energy - (inside[i] as number))),
    division: rest.map((energy) => (total > 0 ? energy / total : 0)),
  };
};

/**
 * A sampler over the rows of ΔH [n, d]; the work that weights do not change is done here, once.
 *
 * @throws {UsageError} from the sampler, if there are not n weights
 */
export const createEnergyShareSampler = (
  delta: Matrix,
  options: EnergyShareSamplerOptions = {},
): EnergyShareSampler => {
  const algebra = denseAlgebra(options.algebra);
  const { leading, outside, division } = coordinatesOf(delta, options, algebra);
  const { rows: n, columns: k } = leading;
  const scaled = matrix(n, k);
  return (weights) => {
    if (weights.length !== n)
      throw new UsageError(`${n} displacements need as many weights, not ${weights.length}`);
    let left = 0;
    for (let i = 0; i < n; i++) {
      const weight = weights[i] as number;
      const root = Math.sqrt(weight);
      left += weight * (outside[i] as number);
      for (let j = i * k; j < (i + 1) * k; j++) scaled.data[j] = root * (leading.data[j] as number);
    }
    const values = algebra.symmetricEigenvalues(algebra.gram(scaled, 'columns'));
    const shares = new Float64Array(k + division.length);
    let total = left;
    for (let j = 0; j < k; j++) {
      const energy = Math.max(0, values[j] as number);
      shares[j] = energy;
      total += energy;
    }
    for (let j = 0; j < division.length; j++) shares[k + j] = left * (division[j] as number);
    for (let j = 0; j < shares.length; j++) shares[j] = (shares[j] as number) / total;
    return shares.sort().reverse();
  };
};
