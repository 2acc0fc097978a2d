/**
 * What evidence has to satisfy whatever the claims find: a fault of the pipeline is an error, never a verdict. Each check
 * goes another way to the same numbers than the evidence did.
 */
import { ComputationError } from '../../base/index.js';
import type { EncodedPreference } from '../../data/index.js';
import { tf } from '../../engine/index.js';
import { hashParameters, type LanguageModel } from '../../model/index.js';
import { preferencePairLogps, type TrainingResult } from '../../training/index.js';
import type { PolicyEvidence } from './policy-evidence.js';

/** Prompts on which readouts are checked. */
const checkedPrompts = 16;

/** Relative to the largest of the numbers compared: float32 leaves about 1e-5 after some layers. */
const tolerance = 2e-3;

const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let difference = 0;
  let size = 1;
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
    size = Math.max(size, Math.abs(a[i] ?? Number.NaN));
  }
  return difference / size;
};

/** Which of the prompts are checked: evenly spread. */
const indicesOf = (count: number): number[] => {
  const checked = Math.min(checkedPrompts, count);
  return Array.from({ length: checked }, (_, k) => Math.floor((k * count) / checked));
};

/** Whether the states read are those that the model's own head reads: their margins are its log-probabilities'. */
const checkMargins = async (
  { model, margins }: Pick<PolicyEvidence, 'model' | 'margins'>,
  prompts: readonly EncodedPreference[],
): Promise<void> => {
  const indices = indicesOf(prompts.length);
  const { chosen, rejected } = await preferencePairLogps(
    model,
    indices.flatMap((index) => prompts[index] ?? []),
  );
  const own = chosen.map((logp, k) => logp - (rejected[k] ?? Number.NaN));
  const read = indices.map((index) => margins[index] ?? Number.NaN);
  if (farthest(own, read) <= tolerance) return;
  throw new ComputationError(
    `margins read from hidden states differ from the model's own by ${farthest(own, read).toPrecision(2)}: the states are of another position, or not what the unembedding reads`,
  );
};

/** Whether the final hidden state is the final norm of the last residual stream, at the readout. */
const checkFinalNorm = async ({ model, hidden }: Pick<PolicyEvidence, 'model' | 'hidden'>): Promise<void> => {
  const last = hidden.residual.at(-1);
  if (last === undefined) return;
  const rows = Math.min(checkedPrompts, hidden.n) * hidden.hiddenSize;
  const normed = tf.tidy(() =>
    model.finalNorm(tf.tensor2d(last.subarray(0, rows), [rows / hidden.hiddenSize, hidden.hiddenSize])),
  );
  try {
    const difference = farthest(await normed.data(), hidden.postNorm.subarray(0, rows));
    if (difference <= tolerance) return;
    throw new ComputationError(
      `the final hidden state differs from the final norm of the last residual stream by ${difference.toPrecision(2)}: one was taken for the other`,
    );
  } finally {
    normed.dispose();
  }
};

/** @throws ComputationError where what was read is not what the model computes */
export const checkReadouts = async (
  policy: PolicyEvidence,
  prompts: readonly EncodedPreference[],
): Promise<void> => {
  await checkMargins(policy, prompts);
  await checkFinalNorm(policy);
};

export interface TrainingCheck {
  readonly start: LanguageModel;
  readonly trained: LanguageModel;
  readonly result: TrainingResult;
  readonly embeddings: 'frozen' | 'unfrozen';
  /** Trained under the DPO loss, from the reference itself. */
  readonly isDpo: boolean;
}

/**
 * DPO starts where policy and reference are one, so that its first loss is ln 2; frozen embeddings are the same bytes
 * before and after.
 *
 * @throws ComputationError where one of the two is not so
 */
export const checkTraining = async ({
  start,
  trained,
  result,
  embeddings,
  isDpo,
}: TrainingCheck): Promise<void> => {
  const first = result.metrics[0]?.loss ?? Number.NaN;
  if (isDpo && !(Math.abs(first - Math.LN2) <= tolerance)) {
    throw new ComputationError(
      `DPO began at a loss of ${first.toPrecision(6)}, not ln 2: the reference is not that of the policy, or is not subtracted`,
    );
  }
  if (embeddings === 'unfrozen') return;
  const names = [...new Set([start.embeddingName, start.unembeddingName])];
  const [before, after] = [await hashParameters(start, names), await hashParameters(trained, names)];
  const moved = names.filter((name) => before[name] !== after[name]);
  if (moved.length > 0) {
    throw new ComputationError(`embeddings said to be frozen were trained: ${moved.join(', ')}`);
  }
};
