import { ComputationError, UsageError } from '../base/index.js';

/** Which tokens may be drawn, and how likely each is. Applied in this order, as Hugging Face's warpers are. */
export interface SamplingRule {
  /** Logits are divided by it: towards 0 the likeliest token, large values all alike. Default 1. */
  readonly temperature?: number;
  /** Only this many of the likeliest tokens; a tie goes to the lower id. Default: all. */
  readonly topK?: number;
  /** Only the fewest of the likeliest tokens that together have at least this probability (arXiv 1904.09751). Default 1. */
  readonly topP?: number;
}

/** @throws UsageError unless temperature > 0, topK is a positive integer and 0 < topP ≤ 1 */
export const checkSamplingRule = ({ temperature = 1, topK, topP = 1 }: SamplingRule): void => {
  if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY)) {
    throw new UsageError(`temperature must be a positive number, not ${temperature}`, {
      hint: 'leave sampling out for the likeliest token each time',
    });
  }
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) {
    throw new UsageError(`topK must be a positive integer, not ${topK}`);
  }
  if (!(topP > 0 && topP <= 1)) throw new UsageError(`topP must be above 0 and at most 1, not ${topP}`);
};

/**
 * The tokens that may be drawn with their probabilities, likeliest first; the probabilities add up to 1. A logit of −∞
 * bans its token.
 *
 * @throws ComputationError for logits of NaN or +∞, or when every token is banned
 */
export const samplingDistribution = (
  logits: Float32Array,
  { temperature = 1, topK = logits.length, topP = 1 }: SamplingRule,
): { readonly tokens: Int32Array; readonly probabilities: Float64Array } => {
  const most = logits.reduce(
    (largest, logit) => (logit > largest ? logit : largest),
    Number.NEGATIVE_INFINITY,
  );
  if (!Number.isFinite(most) || logits.some(Number.isNaN)) {
    throw new ComputationError('the logits of the next token are not finite', {
      hint: 'the weights may hold NaN, or λ is far too large',
    });
  }
  const order = Int32Array.from(logits.keys())
    .filter((id) => logits[id] !== Number.NEGATIVE_INFINITY)
    .sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
    .subarray(0, topK);
  const weights = Float64Array.from(order, (id) => Math.exp(((logits[id] ?? 0) - most) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let kept = 0;
  let mass = 0;
  while (kept < weights.length && (kept === 0 || topP === 1 || mass < topP * total))
    mass += weights[kept++] ?? 0;
  return {
    tokens: order.subarray(0, kept),
    probabilities: weights.subarray(0, kept).map((weight) => weight / mass),
  };
};

/**
 * One token by inversion of the cumulative distribution.
 *
 * @param uniform in [0, 1)
 * @throws ComputationError as `samplingDistribution`
 */
export const sampleToken = (logits: Float32Array, rule: SamplingRule, uniform: number): number => {
  const { tokens, probabilities } = samplingDistribution(logits, rule);
  let rest = uniform;
  for (const [i, probability] of probabilities.entries()) {
    rest -= probability;
    if (rest < 0) return tokens[i] ?? 0;
  }
  return tokens.at(-1) ?? 0;
};
