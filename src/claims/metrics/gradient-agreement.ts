/** `gradient-agreement`: three ways to the same ∇_h of the DPO loss, over random tensors. */
import { tf } from '../../engine/index.js';
import { dot, norm } from '../../linalg/index.js';
import { hiddenStateGradient } from '../../training/index.js';
import type { ControlId } from './catalogue.js';
import {
  asRow,
  differenceOf,
  embeddingDifference,
  gradientOf,
  type LawCase,
  lawCase,
  lossesOf,
  marginsAt,
  row,
} from './law-case.js';
import type { Measurement } from './measurement.js';
import { measureProperty } from './property.js';

/**
 * Step of the central differences: their truncation, δ²·L‴/6 with L‴ ≤ β³‖e_w − e_l‖³/8, and what float32 leaves of a
 * difference of losses, some 1e-6·β/δ, are then both well under the tolerance.
 */
const step = 0.02;

/** Relative error, and error per β, that central differences of a float32 loss are allowed. */
const differenceTolerance = { relative: 0.02, perBeta: 2e-3 };
/** As in `gradient-law-property`. */
const autodiffTolerance = { relative: 1e-3, absolute: 1e-5 };

/** (L(h + δ·1_i) − L(h − δ·1_i)) / 2δ of each coordinate i [d]: 2d states through the engine at once. */
export const centralDifferences = async (value: LawCase): Promise<Float64Array> => {
  const { hidden } = value;
  const d = hidden.length;
  const states = new Float32Array(2 * d * d);
  for (let i = 0; i < 2 * d; i++) {
    states.set(hidden, i * d);
    states[i * d + (i % d)] = (hidden[i % d] ?? Number.NaN) + (i < d ? step : -step);
  }
  const losses = tf.tidy(() => lossesOf(value, marginsAt(value, tf.tensor2d(states, [2 * d, d]))));
  const values = await losses.data();
  losses.dispose();
  // The steps as float32 holds them.
  const moved = (i: number): number => (states[i * d + i] ?? 0) - (states[(d + i) * d + i] ?? 0);
  return Float64Array.from(
    { length: d },
    (_, i) => ((values[i] ?? Number.NaN) - (values[d + i] ?? Number.NaN)) / moved(i),
  );
};

/** −β σ(−m)(e_w − e_l) in float64, [d]; of `other-tokens` and `wrong-reference` as a careless reader would have it. */
const closedForm = (value: LawCase, subject: 'claim' | ControlId): Float64Array => {
  const { hidden, unembedding, chosen, rejected, beta } = value;
  const referenceMargin = subject === 'wrong-reference' ? 0 : value.referenceMargin;
  const shift = subject === 'other-tokens' ? 1 : 0;
  return hiddenStateGradient({
    beta,
    margin: beta * (dot(hidden, embeddingDifference(value)) - referenceMargin),
    chosenEmbedding: row(unembedding, (chosen + shift) % unembedding.length),
    rejectedEmbedding: row(unembedding, (rejected + shift) % unembedding.length),
  });
};

/** Share of random cases in which autodiff, central differences and the closed form agree with one another. */
export const measureGradientAgreement = (subject: 'claim' | ControlId, seed: number): Promise<Measurement> =>
  measureProperty(
    lawCase,
    async (value) => {
      const law = closedForm(value, subject);
      const size = norm(law);
      const autodiff = await gradientOf(
        (h) => tf.sum(lossesOf(value, marginsAt(value, asRow(h)))) as tf.Scalar,
        value.hidden,
      );
      const differences = await centralDifferences(value);
      return (
        norm(differenceOf(autodiff, law)) <= autodiffTolerance.relative * size + autodiffTolerance.absolute &&
        norm(differenceOf(differences, law)) <=
          differenceTolerance.relative * size + differenceTolerance.perBeta * value.beta
      );
    },
    { seed, shrink: subject === 'claim' },
  );
