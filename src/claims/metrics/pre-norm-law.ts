/**
 * The gradient law before the final norm, over random tensors: −β σ(−m)(e_w − e_l) is the gradient by the norm's output;
 * by its input it has to be pulled back through the norm's Jacobian, Jᵀ (arXiv 2512.11838 states the law without it).
 */
import fc from 'fast-check';
import { layerNorm, rmsNorm, tf } from '../../engine/index.js';
import { cosine, dot, norm } from '../../linalg/index.js';
import { hiddenStateGradient } from '../../training/index.js';
import type { ControlId } from './catalogue.js';
import {
  asRow,
  differenceOf,
  embeddingDifference,
  entry,
  gradientOf,
  type LawCase,
  lawCase,
  lawCaseOf,
  lossesOf,
  marginsAt,
  row,
} from './law-case.js';
import type { Measurement } from './measurement.js';
import { pullBackLayerNorm, pullBackRmsNorm } from './norm-jacobian.js';
import { measureProperty } from './property.js';

type NormKind = 'rms' | 'layer';

interface PreNormCase extends LawCase {
  readonly kind: NormKind;
  /** LayerNorm's b, [d]. */
  readonly bias: number[];
}

const epsilon = 1e-5;

const withNorm = (cases: fc.Arbitrary<LawCase>): fc.Arbitrary<PreNormCase> =>
  cases.chain((value) =>
    fc
      .record({ kind: fc.constantFrom<NormKind>('rms', 'layer'), shift: entry(1) })
      .map(({ kind, shift }) => ({
        ...value,
        kind,
        bias: value.hidden.map((_, i) => (i % 2 === 0 ? shift : -shift)),
      })),
  );

const runNorm = ({ kind, gain, bias }: PreNormCase, x: tf.Tensor2D): tf.Tensor2D =>
  kind === 'rms'
    ? rmsNorm(x, tf.tensor1d(gain), epsilon)
    : layerNorm(x, tf.tensor1d(gain), tf.tensor1d(bias), epsilon);

/** The norm in float64. */
const normalise = ({ kind, hidden, gain, bias }: PreNormCase): number[] => {
  const centre = kind === 'rms' ? 0 : hidden.reduce((sum, x) => sum + x, 0) / hidden.length;
  const centred = hidden.map((x) => x - centre);
  const scale = Math.sqrt(dot(centred, centred) / centred.length + epsilon);
  return centred.map((x, i) => (x / scale) * (gain[i] ?? 1) + (kind === 'rms' ? 0 : (bias[i] ?? 0)));
};

/** Autodiff's gradient of the DPO loss by the norm's input, [d]. */
const gradientBeforeNorm = (value: PreNormCase): Promise<number[]> =>
  gradientOf(
    (x) => tf.sum(lossesOf(value, marginsAt(value, runNorm(value, asRow(x))))) as tf.Scalar,
    value.hidden,
  );

/** −β σ(−m)(e_w − e_l), the gradient by the norm's output, [d]. */
const lawAfterNorm = (value: PreNormCase): Float64Array =>
  hiddenStateGradient({
    beta: value.beta,
    margin: value.beta * (dot(normalise(value), embeddingDifference(value)) - value.referenceMargin),
    chosenEmbedding: row(value.unembedding, value.chosen),
    rejectedEmbedding: row(value.unembedding, value.rejected),
  });

const pullBack = ({ kind, hidden, gain }: PreNormCase, gradient: Float64Array): Float64Array => {
  const through = { x: hidden, gain, epsilon, gradient };
  return kind === 'rms' ? pullBackRmsNorm(through) : pullBackLayerNorm(through);
};

/** ‖g ⊙ u‖/s: what float32 has to cancel down from where x points along the gradient. */
const sizeBeforeCancelling = ({ kind, hidden, gain }: PreNormCase, gradient: Float64Array): number => {
  const centre = kind === 'rms' ? 0 : hidden.reduce((sum, x) => sum + x, 0) / hidden.length;
  const scale = Math.sqrt(hidden.reduce((sum, x) => sum + (x - centre) ** 2, 0) / hidden.length + epsilon);
  return norm(gradient.map((value, i) => value * (gain[i] ?? 1))) / scale;
};

/**
 * `gradient-law-pre-norm`: autodiff's ∇_x of the DPO loss by the input x of RMSNorm or LayerNorm, of uneven gain, against
 * Jᵀ·(−β σ(−m)(e_w − e_l)); within 1e-3 of what stands before the Jacobian cancels. `pre-norm-without-jacobian` sets it
 * against the law as it is, and must break.
 */
export const measurePreNormLaw = (subject: 'claim' | ControlId, seed: number): Promise<Measurement> =>
  measureProperty(
    withNorm(lawCase),
    async (value) => {
      const autodiff = await gradientBeforeNorm(value);
      const law = lawAfterNorm(value);
      const expected = subject === 'pre-norm-without-jacobian' ? law : pullBack(value, law);
      return norm(differenceOf(autodiff, expected)) <= 1e-3 * sizeBeforeCancelling(value, law) + 1e-5;
    },
    { seed, shrink: subject === 'claim' },
  );

/** Wide, as models are: a random state is nearly at right angles to e_w − e_l, its |cos| beyond .43 at four deviations. */
const wideCase = withNorm(lawCaseOf({ min: 64, max: 96 })).chain((value) =>
  fc.integer({ min: 20, max: 2000 }).map((massive) => ({ ...value, gain: value.gain.map(() => 1), massive })),
);

/** The case with a reference that prefers as the policy does but for `referenceMargin`, so that σ(−m) is not near 0. */
const withNearbyReference = (value: PreNormCase): PreNormCase => ({
  ...value,
  referenceMargin: value.referenceMargin + dot(normalise(value), embeddingDifference(value)),
});

/**
 * `pre-norm-direction`: with an even gain, autodiff's gradient by the norm's input still points along −(e_w − e_l), cosine
 * at least 0.9, as long as the state does not. `massive-hidden` adds a component along e_w − e_l, 20 to 2,000 times the
 * state's norm: Jᵀ takes just that direction out, and the uncorrected law loses its direction.
 */
export const measurePreNormDirection = (subject: 'claim' | ControlId, seed: number): Promise<Measurement> =>
  measureProperty(
    wideCase,
    async (given) => {
      const direction = embeddingDifference(given);
      const added = subject === 'massive-hidden' ? (given.massive * norm(given.hidden)) / norm(direction) : 0;
      const value = withNearbyReference({
        ...given,
        hidden: given.hidden.map((x, i) => x + added * (direction[i] ?? 0)),
      });
      return -cosine(await gradientBeforeNorm(value), direction) >= 0.9;
    },
    { seed, shrink: subject === 'claim' },
  );
