/** A steering vector trained directly under the DPO loss, the model frozen: what any one vector of its length can do. */
import { createRandom, UsageError } from '../base/index.js';
import { createAdamW, gatherRows, targetLogps, tf, valueAndGrads } from '../engine/index.js';
import { dpoLosses } from '../training/index.js';
import { noTarget } from './completion-rows.js';
import type { CompletionStates } from './completion-states.js';

export interface TrainVectorOptions {
  /** W_U [V, d] of the model that the states come from; not disposed. */
  readonly unembedding: tf.Tensor2D;
  /** log p(chosen) − log p(rejected) of each pair under that model: the reference. */
  readonly referenceMargins: ArrayLike<number>;
  readonly beta: number;
  /** ‖v‖ is held at this. */
  readonly norm: number;
  readonly seed: number | string;
  /** Default 80. */
  readonly steps?: number;
  /** Pairs a step. Default 128. */
  readonly batchSize?: number;
}

/** The rows of some pairs that predict a token of one completion, as [pairs, rows] of ones, and their targets. */
const sideOf = (pairs: readonly number[], rowsOf: readonly (readonly number[])[], targets: Int32Array) => {
  const members = pairs.flatMap((pair, position) =>
    (rowsOf[pair] ?? []).filter((row) => targets[row] !== noTarget).map((row) => ({ row, position })),
  );
  const sum = new Float32Array(pairs.length * members.length);
  members.forEach(({ position }, index) => {
    sum[position * members.length + index] = 1;
  });
  return {
    rows: Int32Array.from(members, ({ row }) => row),
    targets: Int32Array.from(members, ({ row }) => targets[row] ?? 0),
    sum: () => tf.tensor2d(sum, [pairs.length, members.length]),
  };
};

/**
 * argmin over ‖v‖ = norm of mean −log σ(β(m(h + v) − m_ref)), v added to the final hidden state at every position that
 * predicts a completion token: Adam with its step falling linearly to 0, projected onto the sphere after each.
 *
 * @param completion states of the model itself, without steering
 * @returns v [d]
 * @throws UsageError for a norm that is no positive number, or reference margins of other pairs
 */
export const trainVector = async (
  completion: CompletionStates,
  { unembedding, referenceMargins, beta, norm, seed, steps = 80, batchSize = 128 }: TrainVectorOptions,
): Promise<Float64Array> => {
  const { states, hiddenSize: d, prompts, promptOf, chosenTargets, rejectedTargets } = completion;
  if (!(norm > 0 && Number.isFinite(norm))) throw new UsageError(`a vector cannot have the norm ${norm}`);
  if (referenceMargins.length !== prompts) {
    throw new UsageError(`${prompts} pairs need as many reference margins, not ${referenceMargins.length}`);
  }
  const rowsOf: number[][] = Array.from({ length: prompts }, () => []);
  promptOf.forEach((prompt, row) => {
    rowsOf[prompt]?.push(row);
  });
  const random = createRandom(seed).fork('trained-vector');
  const hidden = tf.tensor2d(states, [states.length / d, d]);
  const start = Float32Array.from({ length: d }, () => random.normal() * 1e-3 * (norm / Math.sqrt(d)));
  const vector = tf.tidy(() => tf.variable(tf.tensor2d(start, [1, d])));
  const peak = (0.2 * norm) / Math.sqrt(d);
  const adam = createAdamW({ learningRate: peak });
  const variables = new Map([['vector', vector]]);
  const lossOf = (pairs: readonly number[]): tf.Scalar => {
    const logps = (targets: Int32Array): tf.Tensor => {
      const side = sideOf(pairs, rowsOf, targets);
      const steered = tf.add(gatherRows(hidden, tf.tensor1d(side.rows, 'int32')), vector) as tf.Tensor2D;
      const each = targetLogps(steered, unembedding, tf.tensor1d(side.targets, 'int32'));
      return tf.reshape(tf.matMul(side.sum(), tf.reshape(each, [-1, 1]) as tf.Tensor2D), [-1]);
    };
    const margins = tf.sub(logps(chosenTargets), logps(rejectedTargets)) as tf.Tensor1D;
    const reference = tf.tensor1d(pairs.map((pair) => referenceMargins[pair] ?? Number.NaN));
    return tf.mean(dpoLosses(margins, reference, beta)) as tf.Scalar;
  };
  try {
    let order: number[] = [];
    for (let step = 0; step < steps; step++) {
      if (order.length === 0) order = random.shuffle(Array.from({ length: prompts }, (_, i) => i));
      const pairs = order.splice(0, batchSize);
      const { value, grads } = valueAndGrads(() => lossOf(pairs), [vector]);
      adam.apply(variables, grads, peak * (1 - step / steps));
      tf.dispose([value, ...Object.values(grads)]);
      // Adam's first steps decide the direction; from then on the length is the sphere's.
      tf.tidy(() => vector.assign(tf.mul(tf.div(vector, tf.norm(vector)), norm) as tf.Tensor2D));
    }
    return Float64Array.from(await vector.data());
  } finally {
    adam.dispose();
    tf.dispose([hidden, vector]);
  }
};
