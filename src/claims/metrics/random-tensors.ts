/**
 * The two laws of the derivation as properties over random tensors: for any hidden state h and unembedding W_U, however
 * trained. They go through the engine's own kernels; a float64 closed form stands on the other side.
 */
import fc from 'fast-check';
import { rmsNorm, targetLogps, tf } from '../../engine/index.js';
import { dpoLosses, hiddenStateGradient } from '../../training/index.js';
import type { ControlId } from './catalogue.js';
import type { Measurement } from './measurement.js';
import { measureProperty } from './property.js';

interface LawCase {
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

const entry = (limit: number) => fc.integer({ min: -1000, max: 1000 }).map((value) => (value * limit) / 1000);

const lawCase: fc.Arbitrary<LawCase> = fc
  .tuple(fc.integer({ min: 2, max: 24 }), fc.integer({ min: 4, max: 40 }))
  .chain(([width, vocabulary]) =>
    fc
      .record({
        hidden: fc.array(entry(2), { minLength: width, maxLength: width }),
        unembedding: fc.array(fc.array(entry(1), { minLength: width, maxLength: width }), {
          minLength: vocabulary,
          maxLength: vocabulary,
        }),
        gain: fc
          .array(fc.integer({ min: 1, max: 40 }), { minLength: width, maxLength: width })
          .map((values) => values.map((value, index) => value / (index % 2 === 0 ? 10 : 40))),
        chosen: fc.integer({ min: 0, max: vocabulary - 1 }),
        shift: fc.integer({ min: 1, max: vocabulary - 1 }),
        beta: fc.integer({ min: 1, max: 100 }).map((value) => value / 100),
        referenceMargin: entry(3),
      })
      .map(({ shift, ...rest }) => ({ ...rest, rejected: (rest.chosen + shift) % vocabulary })),
  );

const differenceOf = (a: readonly number[], b: readonly number[]): number[] =>
  a.map((value, index) => value - (b[index] ?? 0));
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
const norm = (a: readonly number[]): number => Math.sqrt(dot(a, a));
const row = (matrix: readonly number[][], index: number): readonly number[] => matrix[index] ?? [];

const rms = (x: readonly number[]): number => Math.sqrt(dot(x, x) / x.length + 1e-5);

const targetsOf = ({ chosen, rejected }: LawCase) => tf.tensor1d([chosen, rejected], 'int32');

const logps = (value: LawCase, hidden: tf.Tensor1D): tf.Tensor1D =>
  targetLogps(
    tf.tile(tf.reshape(hidden, [1, -1]), [2, 1]) as tf.Tensor2D,
    tf.tensor2d(value.unembedding),
    targetsOf(value),
  );

/** `logit-difference-identity`: z_w − z_l from the engine's log-probabilities against ⟨h, e_w − e_l⟩ in float64. */
export const measureLogitDifference = (subject: 'claim' | ControlId, seed: number): Promise<Measurement> =>
  measureProperty(
    lawCase,
    async (value) => {
      const pair = tf.tidy(() => logps(value, tf.tensor1d(value.hidden)));
      const [chosenLogp = 0, rejectedLogp = 0] = await pair.data();
      pair.dispose();
      // The log-partition is common to both and cancels.
      const engineDifference = chosenLogp - rejectedLogp;
      const { hidden, unembedding, gain, chosen, rejected } = value;
      const other = (rejected + 1) % unembedding.length;
      const direction = differenceOf(
        row(unembedding, chosen),
        row(unembedding, subject === 'other-tokens' ? other : rejected),
      );
      const read = subject === 'pre-norm' ? hidden.map((x, i) => x / (gain[i] ?? 1)) : hidden;
      const expected = dot(read, direction);
      const scale = norm(read) * (norm(row(unembedding, chosen)) + norm(row(unembedding, rejected)));
      return Math.abs(engineDifference - expected) <= 1e-4 * Math.max(scale, 0.1);
    },
    { seed, shrink: subject === 'claim' },
  );

const gradientOf = async (f: (x: tf.Tensor) => tf.Scalar, x: readonly number[]): Promise<number[]> => {
  const gradient = tf.tidy(() => tf.grad(f)(tf.tensor1d([...x])));
  const values = Array.from(await gradient.data());
  gradient.dispose();
  return values;
};

/**
 * `gradient-law-property`: autodiff's ∇_h of −log σ(β·(log-ratio − reference log-ratio)) against −β σ(−m)(e_w − e_l).
 * Its variants must break: `pre-norm` differentiates by the state before an uneven norm, `after-divergence` at a
 * position that only the chosen completion passes.
 */
export const measureGradientLawProperty = (
  subject: 'claim' | ControlId,
  seed: number,
): Promise<Measurement> =>
  measureProperty(
    lawCase,
    async (value) => {
      const { hidden, unembedding, gain, chosen, rejected, beta, referenceMargin } = value;
      const loss = (h: tf.Tensor1D): tf.Scalar => {
        const [chosenLogp, rejectedLogp] = tf.split(logps(value, h), 2) as [tf.Tensor1D, tf.Tensor1D];
        const ratio = subject === 'after-divergence' ? chosenLogp : tf.sub(chosenLogp, rejectedLogp);
        return tf.sum(dpoLosses(ratio as tf.Tensor1D, tf.tensor1d([referenceMargin]), beta)) as tf.Scalar;
      };
      const through =
        subject === 'pre-norm'
          ? (x: tf.Tensor) =>
              loss(
                tf.reshape(
                  rmsNorm(tf.reshape(x, [1, -1]) as tf.Tensor2D, tf.tensor1d(gain), 1e-5),
                  [-1],
                ) as tf.Tensor1D,
              )
          : (x: tf.Tensor) => loss(x as tf.Tensor1D);
      const autodiff = await gradientOf(through, hidden);
      const state =
        subject === 'pre-norm' ? hidden.map((x, i) => (x / rms(hidden)) * (gain[i] ?? 1)) : hidden;
      const direction = differenceOf(row(unembedding, chosen), row(unembedding, rejected));
      const margin = beta * (dot(state, direction) - referenceMargin);
      const law = hiddenStateGradient({
        beta,
        margin,
        chosenEmbedding: row(unembedding, chosen),
        rejectedEmbedding: row(unembedding, rejected),
      });
      return norm(differenceOf(autodiff, Array.from(law))) <= 1e-3 * norm(Array.from(law)) + 1e-5;
    },
    { seed, shrink: subject === 'claim' },
  );
