/** The loss of Direct Preference Optimization (arXiv 2305.18290) in float64, and what follows from it in closed form. */

/** log(1 + eˣ), exact for large |x|. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** σ(x) without overflow. */
export const sigmoid = (x: number): number => {
  const decay = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
};

/** log σ(x) = −log(1 + e⁻ˣ) without overflow. */
export const logSigmoid = (x: number): number => -softplus(-x);

/** Summed log-probabilities of the two completions of one preference tuple. */
export interface PairLogps {
  readonly policyChosen: number;
  readonly policyRejected: number;
  readonly referenceChosen: number;
  readonly referenceRejected: number;
}

export interface DpoLoss {
  readonly loss: number;
  /** β·(log π(y_w|x) − log π_ref(y_w|x)): the implicit reward of eq. 5 but for its constant. */
  readonly chosenReward: number;
  readonly rejectedReward: number;
  /** m, chosen minus rejected reward. */
  readonly margin: number;
  /** ∂loss/∂log π(y_w|x) = −β·σ(−m). */
  readonly chosenGradient: number;
  /** ∂loss/∂log π(y_l|x) = +β·σ(−m). */
  readonly rejectedGradient: number;
}

/** The sigmoid loss of one tuple, −log σ(m) (eq. 7), with its gradient (§4, “What does the DPO update do?”). */
export const dpoSigmoidLoss = (logps: PairLogps, beta: number): DpoLoss => {
  const chosenReward = beta * (logps.policyChosen - logps.referenceChosen);
  const rejectedReward = beta * (logps.policyRejected - logps.referenceRejected);
  const margin = chosenReward - rejectedReward;
  const weight = beta * sigmoid(-margin);
  return {
    loss: -logSigmoid(margin),
    chosenReward,
    rejectedReward,
    margin,
    chosenGradient: -weight,
    rejectedGradient: weight,
  };
};

export interface HiddenStateGradientInput {
  readonly beta: number;
  /** m, the β-scaled reward margin. */
  readonly margin: number;
  /** e_w: the row of W_U of the chosen token, [d]. */
  readonly chosenEmbedding: ArrayLike<number>;
  /** e_l: the row of W_U of the rejected token, [d]. */
  readonly rejectedEmbedding: ArrayLike<number>;
}

/**
 * ∇_h L = −β·σ(−m)·(e_w − e_l), [d] (arXiv 2512.11838, the gradient law): the gradient of the DPO loss with respect to
 * the final hidden state from which both completions' first differing token is read. The softmax's normaliser is the same
 * in both log-probabilities and cancels.
 */
export const hiddenStateGradient = ({
  beta,
  margin,
  chosenEmbedding,
  rejectedEmbedding,
}: HiddenStateGradientInput): Float64Array => {
  if (chosenEmbedding.length !== rejectedEmbedding.length) {
    throw new RangeError(`rows of W_U of ${chosenEmbedding.length} and ${rejectedEmbedding.length} numbers`);
  }
  const scale = -beta * sigmoid(-margin);
  return Float64Array.from(
    { length: chosenEmbedding.length },
    (_, i) => scale * ((chosenEmbedding[i] ?? Number.NaN) - (rejectedEmbedding[i] ?? Number.NaN)),
  );
};
