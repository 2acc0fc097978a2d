import { UsageError } from '../base/index.js';
import { gatherRows, targetLogps, tf } from '../engine/index.js';
import type { PreferenceLogps } from '../training/index.js';
import { noTarget } from './completion-rows.js';
import type { CompletionStates } from './completion-states.js';
import {
  checkRowIntervention,
  type InterventionKind,
  type RowIntervention,
  steerRow,
  type Vector,
} from './intervention.js';

/** Steering of final hidden states, at all positions that predict a completion token. */
export interface Steering {
  /** The vector [d] for a pair; the same array for all of them, or another by fold. */
  readonly vectorFor: (promptIndex: number) => Vector;
  readonly lambda: number;
  /** Default `add`. */
  readonly kind?: InterventionKind;
  /** Default false. */
  readonly normPreserving?: boolean;
}

/** The logits of one step are held to about this many numbers. */
const maxLogits = 2 ** 23;

const steerStates = (
  { states, hiddenSize, promptOf }: CompletionStates,
  { vectorFor, lambda, kind = 'add', normPreserving = false }: Steering,
): Float32Array => {
  const steered = Float32Array.from(states);
  const checked = new Set<Vector>();
  promptOf.forEach((promptIndex, row) => {
    const intervention: RowIntervention = { kind, vector: vectorFor(promptIndex), lambda, normPreserving };
    if (!checked.has(intervention.vector)) {
      checkRowIntervention(intervention, hiddenSize);
      checked.add(intervention.vector);
    }
    steerRow(steered.subarray(row * hiddenSize, (row + 1) * hiddenSize), intervention);
  });
  return steered;
};

const selectRows = (states: Float32Array, rows: readonly number[], d: number): tf.Tensor2D => {
  const selected = new Float32Array(rows.length * d);
  rows.forEach((row, index) => {
    selected.set(states.subarray(row * d, (row + 1) * d), index * d);
  });
  return tf.tensor2d(selected, [rows.length, d]);
};

/** Calls `score` on rows in steps of at most `size`, and gives its results back in order. */
const inSteps = async (
  rows: readonly number[],
  size: number,
  score: (rows: readonly number[]) => tf.Tensor1D,
): Promise<Float64Array> => {
  const results = new Float64Array(rows.length);
  for (let from = 0; from < rows.length; from += size) {
    const scores = tf.tidy(() => score(rows.slice(from, from + size)));
    try {
      results.set(await scores.data(), from);
    } finally {
      scores.dispose();
    }
  }
  return results;
};

const targetTensor = (targets: Int32Array, rows: readonly number[]): tf.Tensor1D =>
  tf.tensor1d(
    Int32Array.from(rows, (row) => targets[row] ?? 0),
    'int32',
  );

/** log p of each row's target. */
const scoreTargets = (
  hidden: Float32Array,
  d: number,
  unembedding: tf.Tensor2D,
  targets: Int32Array,
  rows: readonly number[],
): Promise<Float64Array> =>
  inSteps(rows, Math.max(16, Math.floor(maxLogits / unembedding.shape[0])), (part) =>
    targetLogps(selectRows(hidden, part, d), unembedding, targetTensor(targets, part)),
  );

/** z_w − z_l = ⟨h, e_w − e_l⟩ of each row (claim `logit-difference`): no normaliser, so no product with all of W_U. */
const scoreDifferences = (
  hidden: Float32Array,
  d: number,
  unembedding: tf.Tensor2D,
  { chosenTargets, rejectedTargets }: CompletionStates,
  rows: readonly number[],
): Promise<Float64Array> =>
  inSteps(rows, Math.max(16, Math.floor(maxLogits / d)), (part) => {
    const chosen = gatherRows(unembedding, targetTensor(chosenTargets, part));
    const rejected = gatherRows(unembedding, targetTensor(rejectedTargets, part));
    return tf.sum(tf.mul(selectRows(hidden, part, d), tf.sub(chosen, rejected)), 1) as tf.Tensor1D;
  });

interface RowKinds {
  /** Rows that predict a token of both completions. */
  readonly shared: readonly number[];
  readonly chosenOnly: readonly number[];
  readonly rejectedOnly: readonly number[];
}

const sortRows = ({ chosenTargets, rejectedTargets }: CompletionStates): RowKinds => {
  const kinds = { shared: [] as number[], chosenOnly: [] as number[], rejectedOnly: [] as number[] };
  chosenTargets.forEach((chosen, row) => {
    if (rejectedTargets[row] === noTarget) kinds.chosenOnly.push(row);
    else if (chosen === noTarget) kinds.rejectedOnly.push(row);
    else kinds.shared.push(row);
  });
  return kinds;
};

const checkUnembedding = (unembedding: tf.Tensor2D, { hiddenSize }: CompletionStates): void => {
  if (unembedding.shape[1] === hiddenSize) return;
  throw new UsageError(
    `states of ${hiddenSize} dimensions cannot be read by an unembedding of ${unembedding.shape[1]}`,
  );
};

/**
 * Summed log-probabilities of chosen and rejected completions after steering at `postNorm`, from states collected
 * once: equal, up to rounding, to running the model with the same intervention at `postNorm` on positions `completion`.
 *
 * @param unembedding W_U [V, d] of the model that the states come from; not disposed
 * @param steering left out: the model as it is
 * @throws UsageError for a vector of another size than d, or λ out of range
 */
export const steeredLogps = async (
  completion: CompletionStates,
  unembedding: tf.Tensor2D,
  steering?: Steering,
): Promise<PreferenceLogps> => {
  checkUnembedding(unembedding, completion);
  const { hiddenSize: d, prompts, promptOf, chosenTargets, rejectedTargets } = completion;
  const hidden = steering ? steerStates(completion, steering) : completion.states;
  const { shared, chosenOnly, rejectedOnly } = sortRows(completion);
  const targets = chosenTargets.map((target, row) =>
    target === noTarget ? (rejectedTargets[row] ?? 0) : target,
  );
  const rows = [...shared, ...chosenOnly, ...rejectedOnly];
  const logps = await scoreTargets(hidden, d, unembedding, targets, rows);
  const differences = await scoreDifferences(hidden, d, unembedding, completion, shared);
  const chosen = new Float64Array(prompts);
  const rejected = new Float64Array(prompts);
  const rejectedFrom = shared.length + chosenOnly.length;
  rows.forEach((row, index) => {
    const promptIndex = promptOf[row] ?? 0;
    const logp = logps[index] ?? 0;
    if (index < rejectedFrom) chosen[promptIndex] = (chosen[promptIndex] ?? 0) + logp;
    if (index < shared.length || index >= rejectedFrom) {
      rejected[promptIndex] = (rejected[promptIndex] ?? 0) + logp - (differences[index] ?? 0);
    }
  });
  return { chosen, rejected };
};

/**
 * Preference margins log p(chosen) − log p(rejected), one a pair: `steeredLogps`' difference, without the normaliser
 * where both completions are predicted from one state. Pairs of one-token completions need no softmax at all.
 *
 * @throws UsageError as `steeredLogps`
 */
export const steeredMargins = async (
  completion: CompletionStates,
  unembedding: tf.Tensor2D,
  steering?: Steering,
): Promise<Float64Array> => {
  checkUnembedding(unembedding, completion);
  const { hiddenSize: d, prompts, promptOf, chosenTargets, rejectedTargets } = completion;
  const hidden = steering ? steerStates(completion, steering) : completion.states;
  const { shared, chosenOnly, rejectedOnly } = sortRows(completion);
  const margins = new Float64Array(prompts);
  const add = (rows: readonly number[], values: Float64Array, sign: 1 | -1): void => {
    rows.forEach((row, index) => {
      const promptIndex = promptOf[row] ?? 0;
      margins[promptIndex] = (margins[promptIndex] ?? 0) + sign * (values[index] ?? 0);
    });
  };
  const differing = shared.filter((row) => chosenTargets[row] !== rejectedTargets[row]);
  add(differing, await scoreDifferences(hidden, d, unembedding, completion, differing), 1);
  add(chosenOnly, await scoreTargets(hidden, d, unembedding, chosenTargets, chosenOnly), 1);
  add(rejectedOnly, await scoreTargets(hidden, d, unembedding, rejectedTargets, rejectedOnly), -1);
  return margins;
};
