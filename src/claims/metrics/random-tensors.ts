/**
 * The two laws of the derivation as properties over random tensors: for any hidden state h and unembedding W_U, however
 * trained. They go through the engine's own kernels; a float64 closed form stands on the other side.
 */
import { rmsNorm, tf } from '../../engine/index.js';
import { dot, norm } from '../../linalg/index.js';
import { hiddenStateGradient } from '../../training/index.js';
import type { ControlId } from './catalogue.js';
import {
  asRow,
  chosenLogps,
  differenceOf,
  embeddingDifference,
  gradientOf,
  lawCase,
  lossesOf,
  marginsAt,
  row,
} from './law-case.js';
import type { Measurement } from './measurement.js';
import { measureProperty } from './property.js';

const epsilon = 1e-5;

const rms = (x: readonly number[]): number => Math.sqrt(dot(x, x) / x.length + epsilon);

/** `logit-difference-identity`: z_w − z_l from the engine's log-probabilities against ⟨h, e_w − e_l⟩ in float64. */
export const measureLogitDifference = (subject: 'claim' | ControlId, seed: number): Promise<Measurement> =>
  measureProperty(
    lawCase,
    async (value) => {
      const margin = tf.tidy(() => marginsAt(value, asRow(tf.tensor1d(value.hidden))));
      // The log-partition is common to both and cancels.
      const [engineDifference = Number.NaN] = await margin.data();
      margin.dispose();
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
      const loss = (h: tf.Tensor2D): tf.Scalar => {
        const ratio = subject === 'after-divergence' ? chosenLogps(value, h) : marginsAt(value, h);
        return tf.sum(lossesOf(value, ratio)) as tf.Scalar;
      };
      const through =
        subject === 'pre-norm'
          ? (x: tf.Tensor) => loss(rmsNorm(asRow(x), tf.tensor1d(gain), epsilon))
          : (x: tf.Tensor) => loss(asRow(x));
      const autodiff = await gradientOf(through, hidden);
      const state =
        subject === 'pre-norm' ? hidden.map((x, i) => (x / rms(hidden)) * (gain[i] ?? 1)) : hidden;
      const margin = beta * (dot(state, embeddingDifference(value)) - referenceMargin);
      const law = hiddenStateGradient({
        beta,
        margin,
        chosenEmbedding: row(unembedding, chosen),
        rejectedEmbedding: row(unembedding, rejected),
      });
      return norm(differenceOf(autodiff, law)) <= 1e-3 * norm(law) + 1e-5;
    },
    { seed, shrink: subject === 'claim' },
  );
