/** What shares of energy p_k = σ_k²/Σσ², descending, say of a displacement's dimension. All are NaN of NaN shares. */

/** Spectral entropy −Σ p ln p in nats: 0 of rank one, ln r of r equal directions. */
export const entropyOfShares = (shares: ArrayLike<number>): number => {
  let entropy = 0;
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i] as number;
    if (share !== 0) entropy -= share * Math.log(share);
  }
  return entropy;
};

/** Participation ratio 1/Σp²: how many equal directions would be as spread. */
export const participationOfShares = (shares: ArrayLike<number>): number => {
  let squares = 0;
  for (let i = 0; i < shares.length; i++) squares += (shares[i] as number) ** 2;
  return 1 / squares;
};

/**
 * How many leading directions hold `wanted` (0..1] of the energy, at least 1. The last of them counts by the part of it
 * that is needed, so that the number moves continuously with the shares; rounded up it is the usual count.
 */
export const componentsForShare = (shares: ArrayLike<number>, wanted: number): number => {
  let held = 0;
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i] as number;
    if (Number.isNaN(share)) return Number.NaN;
    if (held + share >= wanted) return Math.max(1, i + (wanted - held) / share);
    held += share;
  }
  return shares.length;
};
