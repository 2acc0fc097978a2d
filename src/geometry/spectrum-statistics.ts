/** What a list of singular values says of a displacement's dimension. */

export interface SpectrumStatistics {
  /** σ2/σ1; 0 where the smaller side is 1. */
  readonly sigma2OverSigma1: number;
  /** −Σ p ln p in nats, p = σ²/Σσ². */
  readonly spectralEntropy: number;
  /** spectralEntropy / ln min(n, d): 0 for rank one, 1 for a flat spectrum. */
  readonly spectralEntropyShare: number;
  /** (Σσ²)²/Σσ⁴: how many equal directions would be as spread. */
  readonly participationRatio: number;
  /** Share of the energy Σσ² in the first direction. */
  readonly top1: number;
  /** Share of the energy in the first three. */
  readonly top3: number;
}

/**
 * Statistics of the singular values of an [n, d] matrix, all min(n, d) of them, descending. All are NaN where every
 * singular value is zero: nothing moved, so there is no shape to speak of.
 */
export const spectrumStatistics = (singularValues: ArrayLike<number>): SpectrumStatistics => {
  const first = singularValues[0] ?? 0;
  // Relative to σ1, so that squares and fourth powers stay in range.
  const energies = Array.from(singularValues, (value) => (value / first) ** 2);
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  const shares = energies.map((energy) => energy / total);
  const spectralEntropy = shares.reduce((sum, p) => (p === 0 ? sum : sum - p * Math.log(p)), 0);
  return {
    sigma2OverSigma1: singularValues.length === 1 && first > 0 ? 0 : (singularValues[1] ?? 0) / first,
    spectralEntropy,
    spectralEntropyShare:
      singularValues.length === 1 ? spectralEntropy : spectralEntropy / Math.log(singularValues.length),
    participationRatio: 1 / shares.reduce((sum, p) => sum + p * p, 0),
    top1: shares[0] ?? Number.NaN,
    top3: first > 0 ? shares.slice(0, 3).reduce((sum, p) => sum + p, 0) : Number.NaN,
  };
};
