/** All statistics of one layer's displacements: an entry of `dsteer analyze`. */

import { InputError } from '../base/index.js';
import {
  type AlgebraOptions,
  cosine,
  dot,
  type Matrix,
  singularSpectrum,
  singularValues,
} from '../linalg/index.js';
import { mean, quantile, standardDeviation } from '../statistics/index.js';
import { cosinesToVector } from './cosines.js';
import {
  centred,
  displacements,
  type HiddenStateArray,
  meanRowNorm,
  steeringVector,
} from './displacements.js';
import { type SpectrumStatistics, spectrumStatistics } from './spectrum-statistics.js';

/** Distribution of cos(Δh_i, v̄) over the rows that moved; v̄ is the mean of the SAME rows, so this is in-sample. */
export interface CosineSummary {
  readonly mean: number;
  /** Sample standard deviation (n − 1). */
  readonly sd: number;
  readonly median: number;
  /** 5 % quantile. */
  readonly p05: number;
  /** Share of rows with a cosine ≥ 0.9. */
  readonly shareAbove09: number;
}

export interface CentredStatistics extends SpectrumStatistics {
  readonly singularValues: number[];
}

/**
 * Uncentred statistics, and the spectrum of the centred rows beside them. Numbers that do not exist (nothing moved at
 * this layer) are NaN, which JSON writes as null.
 */
export interface LayerStatistics extends SpectrumStatistics {
  /** 1..L, or `postNorm` for the final hidden state. */
  readonly layer: number | 'postNorm';
  readonly n: number;
  readonly d: number;
  /** min(n, d) values, descending; those below 1e-7 of the first are 0, the floor of the method and of float32. */
  readonly singularValues: number[];
  /** n‖v̄‖²/‖ΔH‖²: share of the energy that the mean row carries. */
  readonly meanEnergyShare: number;
  readonly cosineToMean: CosineSummary;
  /** |cos| of the leading right singular vector and the mean row. */
  readonly u1CosineToMean: number;
  /** mean‖Δh‖ / mean‖h_base‖. */
  readonly relativeNorm: number;
  readonly centred: CentredStatistics;
}

const summarise = (cosines: Float64Array): CosineSummary => {
  const defined = cosines.filter((value) => !Number.isNaN(value));
  return {
    mean: mean(defined),
    sd: standardDeviation(defined),
    median: quantile(defined, 0.5),
    p05: quantile(defined, 0.05),
    shareAbove09: defined.filter((value) => value >= 0.9).length / defined.length,
  };
};

const centredStatistics = (delta: Matrix, options: AlgebraOptions): CentredStatistics => {
  const values = singularValues(centred(delta), { ...options, tail: 'zero' });
  return { singularValues: Array.from(values), ...spectrumStatistics(values) };
};

/** Mean norm of the rows of [n, d] hidden states, as they are stored. */
const meanStateNorm = (states: HiddenStateArray, n: number, d: number): number => {
  let total = 0;
  for (let i = 0; i < n; i++) {
    let square = 0;
    for (let j = i * d; j < (i + 1) * d; j++) square += (states[j] as number) * (states[j] as number);
    total += Math.sqrt(square);
  }
  return total / n;
};

/**
 * Every statistic of one layer.
 *
 * @param base h_base at the readout, [n, d]
 * @param policy h_policy at the readout, [n, d]
 * @throws {InputError} if there is no row, or naming the row that is not finite
 */
export const analyzeLayer = (
  base: HiddenStateArray,
  policy: HiddenStateArray,
  n: number,
  d: number,
  { layer = 1, ...options }: AlgebraOptions & { readonly layer?: number | 'postNorm' } = {},
): LayerStatistics => {
  if (n < 1 || d < 1) throw new InputError(`cannot analyze [${n}, ${d}] hidden states`);
  const delta = displacements(base, policy, n, d);
  const mean = steeringVector(delta);
  const { values, leading } = singularSpectrum(delta, { ...options, tail: 'zero' });
  return {
    layer,
    n,
    d,
    singularValues: Array.from(values),
    ...spectrumStatistics(values),
    meanEnergyShare: (n * dot(mean, mean)) / dot(delta.data, delta.data),
    cosineToMean: summarise(cosinesToVector(delta, mean)),
    u1CosineToMean: Math.abs(cosine(leading, mean)),
    relativeNorm: meanRowNorm(delta) / meanStateNorm(base, n, d),
    centred: centredStatistics(delta, options),
  };
};
