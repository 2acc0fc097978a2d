/** Random tensors on which the laws of the derivation are judged, and the engine's own side of those laws. */
import fc from 'fast-check';
import { targetLogps, tf } from '../../engine/index.js';
import { dpoLosses } from '../../training/index.js';

export interface LawCase {
  /** h, [d]. */
  readonly hidden: number[];
  /** W_U, [V][d]. */
  readonly unembedding: number[][];
  /** Gain of the final norm, [d]; uneven. */
  readonly gain: number[];
  readonly chosen: number;
  readonly rejected: number;
  readonly beta: number;
  /** Reference log-ratio log π_ref(y_w) − log π_ref(y_l). */
  readonly referenceMargin: number;
}

/** Numbers of a thousand steps from −limit to limit. */
export const entry = (limit: number) =>
  fc.integer({ min: -1000, max: 1000 }).map((value) => (value * limit) / 1000);

/** Cases of a width d within these bounds. */
export const lawCaseOf = (width: { readonly min: number; readonly max: number }): fc.Arbitrary<LawCase> =>
  fc.tuple(fc.integer(width), fc.integer({ min: 4, max: 40 })).chain(([d, vocabulary]) =>
    fc
      .record({
        hidden: fc.array(entry(2), { minLength: d, maxLength: d }),
        unembedding: fc.array(fc.array(entry(1), { minLength: d, maxLength: d }), {
          minLength: vocabulary,
          maxLength: vocabulary,
        }),
        gain: fc
          .array(fc.integer({ min: 1, max: 40 }), { minLength: d, maxLength: d })
          .map((values) => values.map((value, index) => value / (index % 2 === 0 ? 10 : 40))),
        chosen: fc.integer({ min: 0, max: vocabulary - 1 }),
        shift: fc.integer({ min: 1, max: vocabulary - 1 }),
        beta: fc.integer({ min: 1, max: 100 }).map((value) => value / 100),
        referenceMargin: entry(3),
      })
      .map(({ shift, ...rest }) => ({ ...rest, rejected: (rest.chosen + shift) % vocabulary })),
  );

export const lawCase = lawCaseOf({ min: 2, max: 24 });

export const differenceOf = (a: ArrayLike<number>, b: ArrayLike<number>): number[] =>
  Array.from(a, (value, index) => value - (b[index] ?? 0));

export const row = (matrix: readonly number[][], index: number): readonly number[] => matrix[index] ?? [];

/** e_w − e_l. */
export const embeddingDifference = ({ unembedding, chosen, rejected }: LawCase): number[] =>
  differenceOf(row(unembedding, chosen), row(unembedding, rejected));

/** log p of a token from each of the states [n, d]: [n]. */
const tokenLogps = (value: LawCase, states: tf.Tensor2D, tokens: Int32Array): tf.Tensor1D =>
  targetLogps(states, tf.tensor2d(value.unembedding), tf.tensor1d(tokens, 'int32'));

/** log π(y_w) of one-token completions from each of the states [n, d]: [n]. */
export const chosenLogps = (value: LawCase, states: tf.Tensor2D): tf.Tensor1D =>
  tokenLogps(value, states, new Int32Array(states.shape[0]).fill(value.chosen));

/** log π(y_w) − log π(y_l) of one-token completions from each of the states [n, d]: [n]. */
export const marginsAt = (value: LawCase, states: tf.Tensor2D): tf.Tensor1D => {
  const n = states.shape[0];
  const tokens = new Int32Array(2 * n).fill(value.chosen, 0, n).fill(value.rejected, n);
  const logps = tokenLogps(value, tf.tile(states, [2, 1]) as tf.Tensor2D, tokens);
  const [chosen, rejected] = tf.split(logps, 2) as [tf.Tensor1D, tf.Tensor1D];
  return tf.sub(chosen, rejected) as tf.Tensor1D;
};

/** −log σ(β·(log-ratio − reference log-ratio)) of each log-ratio [n]: [n]. */
export const lossesOf = ({ referenceMargin, beta }: LawCase, ratios: tf.Tensor1D): tf.Tensor1D =>
  dpoLosses(ratios, tf.tensor1d(new Float32Array(ratios.shape[0]).fill(referenceMargin)), beta);

export const asRow = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [1, -1]) as tf.Tensor2D;

/** Autodiff's gradient [d] of f at x [d]; leaves no tensor behind. */
export const gradientOf = async (f: (x: tf.Tensor) => tf.Scalar, x: readonly number[]): Promise<number[]> => {
  const gradient = tf.tidy(() => tf.grad(f)(tf.tensor1d([...x])));
  const values = Array.from(await gradient.data());
  gradient.dispose();
  return values;
};
