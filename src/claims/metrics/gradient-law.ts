/**
 * `gradient-law-agreement`: on a trained policy, autodiff's ∇_h of the DPO loss by the final hidden state from which both
 * completions' first differing token is predicted, against the closed form −β σ(−m) (e_w − e_l) (arXiv 2512.11838).
 */
import type { LanguageModel } from '../../model/index.js';
import { hiddenStateGradient } from '../../training/index.js';
import type { PolicyEvidence } from '../evidence/policy-evidence.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import { type Measure, type Subject, variantOf } from './context.js';
import { autodiffGradients, divergedSites, firstRows, sharedSites, takeRows } from './hidden-gradients.js';
import { type Measurement, rateMeasurement } from './measurement.js';

/** Relative error that float32 autodiff is allowed. */
const tolerance = 1e-3;

const agreement = async (
  evidence: SeedEvidence,
  [policy, start]: readonly [policy: PolicyEvidence, start: PolicyEvidence],
  subject: Subject,
  /** Gives the law's e_w and e_l. */
  head: LanguageModel = policy.model,
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
  const referenceMargins = sites.map(({ prompt }) => start.margins[prompt] ?? Number.NaN);
  const gradient = await autodiffGradients(
    x,
    sites,
    policy,
    { policyMargins, referenceMargins, beta },
    {
      throughNorm: preNorm,
      chosenOnly: subject === 'after-divergence',
    },
  );
  const unembedding = await head.unembedding().data<'float32'>();
  const embedding = (token: number) => unembedding.subarray(token * width, (token + 1) * width);
  // The law of a loss whose reference is not subtracted, against the gradient of the loss as it is.
  const lawReference = subject === 'wrong-reference' ? sites.map(() => 0) : referenceMargins;
  const errors = sites.map(({ chosen, rejected }, index) => {
    const law = hiddenStateGradient({
      beta,
      margin: beta * ((policyMargins[index] ?? Number.NaN) - (lawReference[index] ?? Number.NaN)),
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

/** The policy of a subject, and what it started from: the reference of its loss. */
const policyAndStart = (evidence: SeedEvidence, subject: Subject) => {
  const variant = variantOf(subject);
  return [evidence.variant(variant), evidence.startOf(variant)] as const;
};

export const measureGradientLaw: Measure = ({ evidence }, subject) =>
  agreement(evidence, policyAndStart(evidence, subject), subject);

/**
 * `gradient-law-initial-agreement`: the same gradients of the trained policy against the law with the embeddings that
 * training began with. Frozen embeddings leave the two alike; `current-embeddings` takes those of the policy itself.
 */
export const measureInitialGradientLaw: Measure = ({ evidence }, subject) => {
  const [policy, start] = policyAndStart(evidence, subject);
  return agreement(
    evidence,
    [policy, start],
    subject,
    (subject === 'current-embeddings' ? policy : start).model,
  );
};
