/** Where the gradient law is asserted on a policy, and autodiff's gradients there. */
import { targetLogps, tf } from '../../engine/index.js';
import { noTarget } from '../../steering/index.js';
import { dpoLosses } from '../../training/index.js';
import type { PolicyEvidence } from '../evidence/policy-evidence.js';

/** A row of the completion states at which the law is asserted, with its two tokens. */
export interface LawSite {
  readonly prompt: number;
  readonly row: number;
  readonly chosen: number;
  readonly rejected: number;
}

export const takeRows = (states: Float32Array, rows: readonly number[], width: number): Float32Array => {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, index) => {
    taken.set(states.subarray(row * width, (row + 1) * width), index * width);
  });
  return taken;
};

/** The row of each prompt that is read at its last token. */
export const firstRows = ({ completions }: PolicyEvidence): number[] => {
  const first: number[] = [];
  completions.promptOf.forEach((prompt, row) => {
    first[prompt] ??= row;
  });
  return first;
};

/** One site a prompt: where both completions are predicted from one state and differ. */
export const sharedSites = ({ completions }: PolicyEvidence): LawSite[] => {
  const { promptOf, chosenTargets, rejectedTargets } = completions;
  return Array.from(promptOf, (prompt, row) => ({
    prompt,
    row,
    chosen: chosenTargets[row] ?? noTarget,
    rejected: rejectedTargets[row] ?? noTarget,
  })).filter(({ chosen, rejected }) => chosen !== noTarget && rejected !== noTarget && chosen !== rejected);
};

/**
 * One site for each prompt whose chosen completion has a token after the divergence: that position belongs to the
 * chosen completion alone, yet the law is asserted with the rejected completion's own token.
 */
export const divergedSites = (policy: PolicyEvidence): LawSite[] => {
  const { promptOf, chosenTargets, rejectedTargets } = policy.completions;
  const rejectedOf = new Map(sharedSites(policy).map(({ prompt, rejected }) => [prompt, rejected]));
  const seen = new Set<number>();
  return Array.from(promptOf).flatMap((prompt, row): LawSite[] => {
    const chosen = chosenTargets[row] ?? noTarget;
    const rejected = rejectedOf.get(prompt);
    if (
      chosen === noTarget ||
      rejectedTargets[row] !== noTarget ||
      rejected === undefined ||
      seen.has(prompt)
    )
      return [];
    seen.add(prompt);
    return [{ prompt, row, chosen, rejected }];
  });
};

const tokenLogps = (states: tf.Tensor2D, policy: PolicyEvidence, tokens: readonly number[]): tf.Tensor1D =>
  targetLogps(states, policy.model.unembedding(), tf.tensor1d([...tokens], 'int32'));

/** log-probability margins of each site's prompt, under policy and reference. */
export interface SiteMargins {
  readonly policyMargins: readonly number[];
  readonly referenceMargins: readonly number[];
  readonly beta: number;
}

/**
 * ∂ Σ_i loss_i / ∂x [n, d]; each row is the gradient of its own prompt's loss, as no loss reads another's row. The rest
 * of each margin is a constant: the policy's whole margin less what the row at hand contributes to it.
 */
export const autodiffGradients = async (
  x: Float32Array,
  sites: readonly LawSite[],
  policy: PolicyEvidence,
  { policyMargins, referenceMargins, beta }: SiteMargins,
  options: { readonly throughNorm: boolean; readonly chosenOnly: boolean },
): Promise<Float32Array> => {
  const width = policy.hidden.hiddenSize;
  const gradient = tf.tidy(() => {
    const difference = (states: tf.Tensor2D): tf.Tensor1D => {
      const chosen = tokenLogps(
        states,
        policy,
        sites.map((site) => site.chosen),
      );
      if (options.chosenOnly) return chosen;
      return tf.sub(
        chosen,
        tokenLogps(
          states,
          policy,
          sites.map((site) => site.rejected),
        ),
      ) as tf.Tensor1D;
    };
    const read = (input: tf.Tensor): tf.Tensor2D =>
      options.throughNorm ? policy.model.finalNorm(input as tf.Tensor2D) : (input as tf.Tensor2D);
    const start = tf.tensor2d(x, [sites.length, width]);
    const rest = tf.sub(tf.tensor1d([...policyMargins]), difference(read(start)));
    const reference = tf.tensor1d([...referenceMargins]);
    const loss = (input: tf.Tensor): tf.Scalar =>
      tf.sum(dpoLosses(tf.add(difference(read(input)), rest) as tf.Tensor1D, reference, beta)) as tf.Scalar;
    return tf.grad(loss)(start);
  });
  try {
    return await gradient.data<'float32'>();
  } finally {
    gradient.dispose();
  }
};
