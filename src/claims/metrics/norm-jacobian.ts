/** What a final norm does to gradients: Jᵀu, in float64, for the gradient u of its output. */

export interface NormPullback {
  /** Input of the norm, [d]. */
  readonly x: ArrayLike<number>;
  /** Gain g, [d]. */
  readonly gain: ArrayLike<number>;
  /** Added to the mean square or the variance. */
  readonly epsilon: number;
  /** Gradient by the norm's output, [d]. */
  readonly gradient: ArrayLike<number>;
}

const meanProduct = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum / a.length;
};

/**
 * RMSNorm h = g ⊙ x/r, r = √(mean(x²) + ε): Jᵀu = (q − x̂·mean(q ⊙ x̂))/r with q = g ⊙ u and x̂ = x/r. What of q lies
 * along x is nearly all taken away.
 */
export const pullBackRmsNorm = ({ x, gain, epsilon, gradient }: NormPullback): Float64Array => {
  const r = Math.sqrt(meanProduct(x, x) + epsilon);
  const q = Float64Array.from(gradient, (value, i) => value * (gain[i] as number));
  const normalised = Float64Array.from(x, (value) => value / r);
  const along = meanProduct(q, normalised);
  return q.map((value, i) => (value - (normalised[i] as number) * along) / r);
};

/**
 * LayerNorm h = g ⊙ (x − mean(x))/s + b, s = √(var(x) + ε): Jᵀu = (q − mean(q) − x̂·mean(q ⊙ x̂))/s with q = g ⊙ u and
 * x̂ = (x − mean(x))/s.
 */
export const pullBackLayerNorm = ({ x, gain, epsilon, gradient }: NormPullback): Float64Array => {
  const one = new Float64Array(x.length).fill(1);
  const centre = meanProduct(x, one);
  const centred = Float64Array.from(x, (value) => value - centre);
  const q = Float64Array.from(gradient, (value, i) => value * (gain[i] as number));
  const shift = meanProduct(q, one);
  return pullBackRmsNorm({ x: centred, gain: one, epsilon, gradient: q.map((value) => value - shift) });
};
