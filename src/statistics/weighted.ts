/** Means and ratios under weights, as bootstraps draw them. */

/** Σ w·x / Σ w; NaN when the weights sum to nothing. Without weights every value counts once. */
export const weightedMean = (values: ArrayLike<number>, weights?: ArrayLike<number>): number => {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = weights ? (weights[i] ?? 0) : 1;
    // A weight of zero leaves the prompt out even where its value is not a number.
    if (weight === 0) continue;
    sum += weight * (values[i] ?? 0);
    total += weight;
  }
  return sum / total;
};

/** Σ w·a / Σ w·b; NaN when the denominator is zero. */
export const weightedRatio = (
  numerators: ArrayLike<number>,
  denominators: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number => {
  let numerator = 0;
  let denominator = 0;
  for (let i = 0; i < numerators.length; i++) {
    const weight = weights ? (weights[i] ?? 0) : 1;
    if (weight === 0) continue;
    numerator += weight * (numerators[i] ?? 0);
    denominator += weight * (denominators[i] ?? 0);
  }
  return denominator === 0 ? Number.NaN : numerator / denominator;
};
