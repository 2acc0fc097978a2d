/** The losses that learn from preferences, each a differentiable function of log-probabilities: one number a pair. */
import { UsageError } from '../base/index.js';
import { tf } from '../engine/index.js';
import { dpoLosses } from './dpo-losses.js';
import { negativeLogSigmoid } from './negative-log-sigmoid.js';

export const preferenceLossNames = [
  'sigmoid',
  'cdpo',
  'hinge',
  'ipo',
  'robust',
  'simpo',
  'orpo',
  'kto-pair',
] as const;

export type PreferenceLossName = (typeof preferenceLossNames)[number];

export interface PreferenceLossConfig {
  /** Default `sigmoid`: DPO. */
  readonly loss?: PreferenceLossName | undefined;
  /** β: the weight of the log-ratios; of ORPO, λ: the weight of the odds ratio. */
  readonly beta: number;
  /** ε of cDPO and robust DPO: the share of labels that are the wrong way round. Default 0. */
  readonly labelSmoothing?: number | undefined;
  /** γ of SimPO: the margin to reach. Default 0. */
  readonly gamma?: number | undefined;
  /**
   * Divide each log-ratio by the number of tokens of its completion. Default: for IPO alone, as TRL does; IPO's paper, on
   * sums, is `false`. SimPO and ORPO are always by token.
   */
  readonly lengthNormalised?: boolean | undefined;
}

/** Summed log-probabilities of n pairs; those of the policy are what gradients go to. */
export interface PreferenceBatch {
  /** [n] */
  readonly policyChosen: tf.Tensor1D;
  /** [n] */
  readonly policyRejected: tf.Tensor1D;
  readonly referenceChosen: ArrayLike<number>;
  readonly referenceRejected: ArrayLike<number>;
  /** Tokens of each completion. */
  readonly chosenLengths: ArrayLike<number>;
  readonly rejectedLengths: ArrayLike<number>;
}

/** Whether a loss compares with a reference model at all. */
export const needsReference = ({ loss = 'sigmoid' }: Pick<PreferenceLossConfig, 'loss'>): boolean =>
  loss !== 'simpo' && loss !== 'orpo';

/** A tensor of f(a_i, b_i); computed in float64, so that float32 sees the small results alone. */
const zip = (a: ArrayLike<number>, b: ArrayLike<number>, f: (a: number, b: number) => number): tf.Tensor1D =>
  tf.tensor1d(Float32Array.from({ length: a.length }, (_, i) => f(a[i] ?? Number.NaN, b[i] ?? Number.NaN)));

const perToken = (logps: tf.Tensor1D, lengths: ArrayLike<number>): tf.Tensor1D =>
  tf.div(logps, tf.tensor1d(Float32Array.from(lengths)));

/** log π(y_w|x) − log π(y_l|x) of the policy and of the reference, by token if asked for. */
const marginsOf = (batch: PreferenceBatch, lengthNormalised: boolean) => {
  const { policyChosen, policyRejected, referenceChosen, referenceRejected } = batch;
  if (!lengthNormalised) {
    return {
      policy: tf.sub(policyChosen, policyRejected) as tf.Tensor1D,
      reference: zip(referenceChosen, referenceRejected, (chosen, rejected) => chosen - rejected),
    };
  }
  const { chosenLengths, rejectedLengths } = batch;
  const divided = (logps: ArrayLike<number>, lengths: ArrayLike<number>): number[] =>
    Array.from(logps, (logp, i) => logp / (lengths[i] ?? Number.NaN));
  return {
    policy: tf.sub(
      perToken(policyChosen, chosenLengths),
      perToken(policyRejected, rejectedLengths),
    ) as tf.Tensor1D,
    reference: zip(
      divided(referenceChosen, chosenLengths),
      divided(referenceRejected, rejectedLengths),
      (chosen, rejected) => chosen - rejected,
    ),
  };
};

/** −(1 − ε)·log σ(m) − ε·log σ(−m): conservative DPO (Mitchell 2023, “A note on DPO with noisy preferences”, eq. 3). */
export const conservativeDpoLosses = (margins: tf.Tensor1D, epsilon: number): tf.Tensor1D =>
  tf.add(
    tf.mul(negativeLogSigmoid(margins), 1 - epsilon),
    tf.mul(negativeLogSigmoid(tf.neg(margins)), epsilon),
  );

/** (−(1 − ε)·log σ(m) + ε·log σ(−m)) / (1 − 2ε): unbiased under flipped labels (arXiv 2403.00409, eq. 12). */
export const robustDpoLosses = (margins: tf.Tensor1D, epsilon: number): tf.Tensor1D =>
  tf.div(
    tf.sub(
      tf.mul(negativeLogSigmoid(margins), 1 - epsilon),
      tf.mul(negativeLogSigmoid(tf.neg(margins)), epsilon),
    ),
    1 - 2 * epsilon,
  );

/** max(0, 1 − m): SLiC's hinge (arXiv 2305.10425, eq. 1) on DPO's margin, as in arXiv 2309.06657. */
export const hingeLosses = (margins: tf.Tensor1D): tf.Tensor1D => tf.relu(tf.sub(1, margins));

/** (h − 1/(2β))²: IPO (arXiv 2310.12036, eq. 17), h the difference of log-ratios without β. */
export const ipoLosses = (differences: tf.Tensor1D, beta: number): tf.Tensor1D =>
  tf.square(tf.sub(differences, 1 / (2 * beta)));

/** −log σ(β·(log p̄_w − log p̄_l) − γ): SimPO (arXiv 2405.14734, eq. 6), log p̄ the mean log-probability of a token. */
export const simpoLosses = (
  meanChosen: tf.Tensor1D,
  meanRejected: tf.Tensor1D,
  beta: number,
  gamma: number,
): tf.Tensor1D => negativeLogSigmoid(tf.sub(tf.mul(tf.sub(meanChosen, meanRejected), beta), gamma));

/**
 * log(1 − eˣ) for x < 0, by 1 − eˣ = −2t/(1 − t) with t = tanh(x/2): exact near 0, where 1 − eˣ would cancel. At 0
 * itself, a probability of 1, x is taken for the largest number below it that float32 tells from 0.
 */
const logOneMinusExp = (x: tf.Tensor1D): tf.Tensor1D => {
  const half = tf.tanh(tf.mul(tf.minimum(x, -1e-7), 0.5));
  return tf.log(tf.div(tf.mul(half, -2), tf.sub(1, half)));
};

/** −λ·log σ(log odds_w − log odds_l), odds = p̄/(1 − p̄): the odds-ratio term of ORPO (arXiv 2403.07691, eq. 7). */
export const oddsRatioLosses = (
  meanChosen: tf.Tensor1D,
  meanRejected: tf.Tensor1D,
  lambda: number,
): tf.Tensor1D => {
  const logOdds = (logp: tf.Tensor1D): tf.Tensor1D => tf.sub(logp, logOneMinusExp(logp));
  return tf.mul(negativeLogSigmoid(tf.sub(logOdds(meanChosen), logOdds(meanRejected))), lambda);
};

/** −log p̄_w plus the odds-ratio term: ORPO (arXiv 2403.07691, eq. 6). */
export const orpoLosses = (meanChosen: tf.Tensor1D, meanRejected: tf.Tensor1D, lambda: number): tf.Tensor1D =>
  tf.sub(oddsRatioLosses(meanChosen, meanRejected, lambda), meanChosen);

/**
 * KTO (arXiv 2402.01306, eq. 8) on pairs, as TRL 0.9.4 has it: each completion's log-ratio against the batch's mean
 * log-ratio of the other side, where that is above 0. The mean of 1 − σ(β·(r_w − z_l)) and 1 − σ(β·(z_w − r_l)) a pair.
 * Gradients go through the means, so pairs of a batch are coupled.
 */
export const ktoPairLosses = (
  chosenLogRatios: tf.Tensor1D,
  rejectedLogRatios: tf.Tensor1D,
  beta: number,
): tf.Tensor1D => {
  const divergence = (logRatios: tf.Tensor1D): tf.Tensor => tf.maximum(tf.mean(logRatios), 0);
  // 1 − σ(x) = σ(−x).
  const short = (x: tf.Tensor): tf.Tensor => tf.sigmoid(tf.mul(x, -beta));
  const chosen = short(tf.sub(chosenLogRatios, divergence(rejectedLogRatios)));
  const rejected = short(tf.sub(divergence(chosenLogRatios), rejectedLogRatios));
  return tf.mul(tf.add(chosen, rejected), 0.5);
};

/** @throws UsageError naming the setting that this loss has no use for, or that lies outside of what it is defined on */
export const checkPreferenceLoss = (config: PreferenceLossConfig): void => {
  const { loss = 'sigmoid', beta, labelSmoothing = 0, gamma = 0, lengthNormalised } = config;
  const refuse = (message: string, hint: string): never => {
    throw new UsageError(message, { hint });
  };
  if (!(beta > 0)) refuse(`beta is ${beta}`, 'give a number above 0');
  if (!(labelSmoothing >= 0 && labelSmoothing < 0.5)) {
    refuse(`labelSmoothing is ${labelSmoothing}`, 'give a share of wrong labels from 0 to below 0.5');
  }
  if (labelSmoothing > 0 && loss !== 'cdpo' && loss !== 'robust') {
    refuse(`the loss ${loss} has no label smoothing`, 'use cdpo or robust, or leave labelSmoothing out');
  }
  if (gamma !== 0 && loss !== 'simpo') refuse(`the loss ${loss} has no gamma`, 'use simpo, or leave it out');
  const fixed = loss === 'simpo' || loss === 'orpo' ? true : loss === 'kto-pair' ? false : lengthNormalised;
  if (lengthNormalised !== undefined && lengthNormalised !== fixed) {
    refuse(`the loss ${loss} is defined with lengthNormalised: ${fixed} alone`, 'leave lengthNormalised out');
  }
};

/** The loss of each pair: [n]. Its mean is what is trained. */
export const preferenceLosses = (batch: PreferenceBatch, config: PreferenceLossConfig): tf.Tensor1D => {
  const { loss = 'sigmoid', beta, labelSmoothing = 0, gamma = 0 } = config;
  if (loss === 'simpo' || loss === 'orpo') {
    const chosen = perToken(batch.policyChosen, batch.chosenLengths);
    const rejected = perToken(batch.policyRejected, batch.rejectedLengths);
    return loss === 'simpo' ? simpoLosses(chosen, rejected, beta, gamma) : orpoLosses(chosen, rejected, beta);
  }
  if (loss === 'kto-pair') {
    return ktoPairLosses(
      tf.sub(batch.policyChosen, tf.tensor1d(Float32Array.from(batch.referenceChosen))),
      tf.sub(batch.policyRejected, tf.tensor1d(Float32Array.from(batch.referenceRejected))),
      beta,
    );
  }
  const { policy, reference } = marginsOf(batch, config.lengthNormalised ?? loss === 'ipo');
  if (loss === 'sigmoid') return dpoLosses(policy, reference, beta);
  const differences = tf.sub(policy, reference) as tf.Tensor1D;
  if (loss === 'ipo') return ipoLosses(differences, beta);
  const margins = tf.mul(differences, beta) as tf.Tensor1D;
  if (loss === 'hinge') return hingeLosses(margins);
  return loss === 'cdpo'
    ? conservativeDpoLosses(margins, labelSmoothing)
    : robustDpoLosses(margins, labelSmoothing);
};
