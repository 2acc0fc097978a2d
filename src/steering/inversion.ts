/**
 * What steering recovers, as pure functions of numbers a prompt: first the terms of each prompt, then the measures made
 * of them. A measure is a function of weights, one a prompt, so that a bootstrap can redraw prompts.
 */
import { UsageError } from '../base/index.js';
import type { Matrix } from '../linalg/index.js';
import { type WeightedStatistic, weightedRatio } from '../statistics/index.js';
import type { Vector } from './intervention.js';
import { prefersChosen } from './preference-measures.js';

/** Preference margins of one prompt each: where steering starts, what it makes of them, where it should lead. */
export interface FlipMargins {
  readonly start: ArrayLike<number>;
  readonly steered: ArrayLike<number>;
  readonly goal: ArrayLike<number>;
}

export interface Flips {
  /** 1 where start and goal prefer differently: [n]. */
  readonly differs: Uint8Array;
  /** 1 where, of those, the steered model prefers as the goal does: [n]. */
  readonly reached: Uint8Array;
}

const checkLengths = (margins: Readonly<Record<string, ArrayLike<number>>>): void => {
  const lengths = Object.entries(margins).map(([name, { length }]) => `${name} ${length}`);
  const sizes = new Set(Object.values(margins).map(({ length }) => length));
  if (sizes.size > 1)
    throw new UsageError(`margins of unequal numbers of prompts do not pair: ${lengths.join(', ')}`);
};

/**
 * Prompts on which start and goal prefer differently, by the sign of the margin, and which of them steering brings over.
 *
 * @throws UsageError when the margins are not of the same prompts
 */
export const flips = ({ start, steered, goal }: FlipMargins): Flips => {
  checkLengths({ start, steered, goal });
  const differs = new Uint8Array(start.length);
  const reached = new Uint8Array(start.length);
  for (let i = 0; i < start.length; i++) {
    const aim = prefersChosen(goal[i] ?? 0);
    if (prefersChosen(start[i] ?? 0) === aim) continue;
    differs[i] = 1;
    reached[i] = prefersChosen(steered[i] ?? 0) === aim ? 1 : 0;
  }
  return { differs, reached };
};

/** Terms of a recovery 1 − Σ residual / Σ total, one a prompt. */
export interface RecoveryTerms {
  /** How far from the goal the steered model still is. */
  readonly residual: Float64Array;
  /** How far the goal was. */
  readonly total: Float64Array;
}

/**
 * |m_inverted − m_base| and |m_policy − m_base| of each prompt.
 *
 * @throws UsageError when the margins are not of the same prompts
 */
export const marginTerms = ({
  base,
  policy,
  inverted,
}: Readonly<Record<'base' | 'policy' | 'inverted', ArrayLike<number>>>): RecoveryTerms => {
  checkLengths({ base, policy, inverted });
  const distance = (margins: ArrayLike<number>): Float64Array =>
    Float64Array.from(margins, (margin, i) => Math.abs(margin - (base[i] ?? 0)));
  return { residual: distance(inverted), total: distance(policy) };
};

/**
 * ‖Δh_i − λv‖² and ‖Δh_i‖² of each row, with Δh_i = h_policy − h_base.
 *
 * @param displacements ΔH [n, d]
 * @param vectorFor the vector [d] that judges row i, estimated without it
 * @throws UsageError when a vector is not as long as a row
 */
export const energyTerms = (
  { rows, columns, data }: Matrix,
  vectorFor: (row: number) => Vector,
  lambda = 1,
): RecoveryTerms => {
  const residual = new Float64Array(rows);
  const total = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const vector = vectorFor(i);
    if (vector.length !== columns) {
      throw new UsageError(
        `a vector of ${vector.length} dimensions cannot invert displacements of ${columns}`,
      );
    }
    let left = 0;
    let whole = 0;
    for (let j = 0; j < columns; j++) {
      const value = data[i * columns + j] ?? 0;
      left += (value - lambda * (vector[j] ?? 0)) ** 2;
      whole += value ** 2;
    }
    residual[i] = left;
    total[i] = whole;
  }
  return { residual, total };
};

/** Preference margins of base, policy and a steered model, one a prompt, in the same order. */
export interface MarginTriple {
  readonly base: ArrayLike<number>;
  readonly policy: ArrayLike<number>;
  readonly steered: ArrayLike<number>;
}

/**
 * Inversion by the preference classifier: of the prompts on which base and policy prefer differently, the share on
 * which policy − v* prefers as the base does. Show the number of flips beside it. NaN where nothing flips.
 */
export const flipsUndone = ({ base, policy, steered }: MarginTriple): WeightedStatistic => {
  const { differs, reached } = flips({ start: policy, steered, goal: base });
  return (weights) => weightedRatio(reached, differs, weights);
};

/** The mirror image: of the same prompts, the share on which base + λv* prefers as the policy does. */
export const flipsInstalled = ({ base, policy, steered }: MarginTriple): WeightedStatistic =>
  flipsUndone({ base: policy, policy: base, steered });

const recovery =
  ({ residual, total }: RecoveryTerms): WeightedStatistic =>
  (weights) =>
    1 - weightedRatio(residual, total, weights);

/**
 * 1 − Σ|m_inverted − m_base| / Σ|m_policy − m_base|: how much of what DPO did to the margins is undone, with every
 * prompt weighted by how far it was moved. At most 1; negative where inversion leads further away.
 *
 * Not a mean of ratios by prompt: those explode where DPO hardly moved the margin. Not a ratio of mean margins either:
 * there errors of opposite sign cancel, and with frozen embeddings and one-token pairs the mean shift is linear in the
 * mean of Δh, which is v*, so that ratio is near 1 by construction.
 */
export const marginRecovery = ({ base, policy, steered }: MarginTriple): WeightedStatistic =>
  recovery(marginTerms({ base, policy, inverted: steered }));

/** The mirror image, 1 − Σ|m_steered − m_policy| / Σ|m_base − m_policy|, for base + λv*. */
export const marginInstalled = ({ base, policy, steered }: MarginTriple): WeightedStatistic =>
  marginRecovery({ base: policy, policy: base, steered });

/**
 * 1 − Σ‖Δh_i − λv‖² / Σ‖Δh_i‖²: the share of the displacements' energy that policy − λv takes back at the readout.
 * 0 for the zero vector, 1 when v is each prompt's own Δh and λ = 1.
 *
 * @throws UsageError as `energyTerms`
 */
export const energyRecovery = (
  displacements: Matrix,
  vectorFor: (row: number) => Vector,
  lambda = 1,
): WeightedStatistic => recovery(energyTerms(displacements, vectorFor, lambda));
