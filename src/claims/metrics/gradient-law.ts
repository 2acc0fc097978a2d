/**
 * `gradient-law-agreement`: on a trained policy, autodiff's ∇_h of the DPO loss by the final hidden state from which both
 * completions' first differing token is predicted, against the closed form −β σ(−m) (e_w − e_l) (arXiv 2512.11838).
 */
import { targetLogps, tf } from '../../engine/index.js';
import { noTarget } from '../../steering/index.js';
import { dpoLosses, hiddenStateGradient } from '../../training/index.js';
import type { PolicyEvidence } from '../evidence/policy-evidence.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import { type Measure, type Subject, variantOf } from './context.js';
import { type Measurement, rateMeasurement } from './measurement.js';

/** A row of the completion states at which the law is asserted, with its two tokens. */
interface Site {
  readonly prompt: number;
  readonly row: number;
  readonly chosen: number;
  readonly rejected: number;
}

/** Relative error that float32 autodiff is allowed. */
const tolerance = 1e-3;

const takeRows = (states: Float32Array, rows: readonly number[], width: number): Float32Array => {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, index) => {
    taken.set(states.subarray(row * width, (row + 1) * width), index * width);
  });
  return taken;
};

/** The row of each prompt that is read at its last token. */
const firstRows = ({ completions }: PolicyEvidence): number[] => {
  const first: number[] = [];
  completions.promptOf.forEach((prompt, row) => {
    first[prompt] ??= row;
  });
  return first;
};

/** One site a prompt: where both completions are predicted from one state and differ. */
const sharedSites = ({ completions }: PolicyEvidence): Site[] => {
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
const divergedSites = (policy: PolicyEvidence): Site[] => {
  const { promptOf, chosenTargets, rejectedTargets } = policy.completions;
  const rejectedOf = new Map(sharedSites(policy).map(({ prompt, rejected }) => [prompt, rejected]));
  const seen = new Set<number>();
  return Array.from(promptOf).flatMap((prompt, row): Site[] => {
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
interface Margins {
  readonly policyMargins: readonly number[];
  readonly referenceMargins: readonly number[];
  readonly beta: number;
}

/**
 * ∂ Σ_i loss_i / ∂x [n, d]; each row is the gradient of its own prompt's loss, as no loss reads another's row. The rest
 * of each margin is a constant: the policy's whole margin less what the row at hand contributes to it.
 */
const autodiff = async (
  x: Float32Array,
  sites: readonly Site[],
  policy: PolicyEvidence,
  { policyMargins, referenceMargins, beta }: Margins,
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

const agreement = async (
  evidence: SeedEvidence,
  policy: PolicyEvidence,
  subject: Subject,
): Promise<Measurement> => {
  const { beta } = evidence.experiment.training;
  const width = policy.hidden.hiddenSize;
  const preNorm = subject === 'pre-norm';
  const shared = sharedSites(policy);
  const first = firstRows(policy);
  const atPromptEnd = shared.filter(({ prompt, row }) => first[prompt] === row);
  const sites = subject === 'after-divergence' ? divergedSites(policy) : preNorm ? atPromptEnd : shared;
  const { states, residual } = policy.completions;
  const rows = sites.map(({ prompt, row }) => (preNorm ? prompt : row));
  const x = takeRows(preNorm ? (residual.at(-1) ?? new Float32Array()) : states, rows, width);
  const policyMargins = sites.map(({ prompt }) => policy.margins[prompt] ?? Number.NaN);
  const referenceMargins = sites.map(({ prompt }) => evidence.base.margins[prompt] ?? Number.NaN);
  const gradient = await autodiff(
    x,
    sites,
    policy,
    { policyMargins, referenceMargins, beta },
    {
      throughNorm: preNorm,
      chosenOnly: subject === 'after-divergence',
    },
  );
  const unembedding = await policy.model.unembedding().data<'float32'>();
  const embedding = (token: number) => unembedding.subarray(token * width, (token + 1) * width);
  const errors = sites.map(({ chosen, rejected }, index) => {
    const law = hiddenStateGradient({
      beta,
      margin: beta * ((policyMargins[index] ?? Number.NaN) - (referenceMargins[index] ?? Number.NaN)),
      chosenEmbedding: embedding(chosen),
      rejectedEmbedding: embedding(rejected),
    });
    let squaredError = 0;
    let squaredLaw = 0;
    for (let i = 0; i < width; i++) {
      squaredError += ((gradient[index * width + i] ?? Number.NaN) - (law[i] ?? Number.NaN)) ** 2;
      squaredLaw += (law[i] ?? Number.NaN) ** 2;
    }
    return Math.sqrt(squaredError / squaredLaw);
  });
  const all = evidence.data.clusters;
  const success = new Uint8Array(all.length);
  const trial = new Uint8Array(all.length);
  sites.forEach(({ prompt }, index) => {
    trial[prompt] = 1;
    success[prompt] = (errors[index] ?? Number.NaN) <= tolerance ? 1 : 0;
  });
  return rateMeasurement(all, success, trial, {
    prompts: sites.length,
    largestRelativeError: Math.max(...errors),
  });
};

export const measureGradientLaw: Measure = ({ evidence }, subject) =>
  agreement(evidence, evidence.variant(variantOf(subject)), subject);
