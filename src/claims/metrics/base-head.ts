/** `flips-undone-base-head`: inversion read by the base's own head. */
import { flips, steeredMargins } from '../../steering/index.js';
import { type Measure, variantOf } from './context.js';
import { rateMeasurement } from './measurement.js';
import { withVectors } from './steering.js';

/**
 * Where base and policy prefer differently, how often the policy's final hidden state − v*, read by the base's W_U, prefers
 * as the base: what v* undoes of the hidden states, without what training did to W_U itself. Beside `flips-undone`, which
 * keeps the policy's head; the same where embeddings are frozen.
 */
export const measureFlipsUndoneBaseHead: Measure = ({ evidence }, subject) =>
  withVectors(evidence, subject, async (vectors) => {
    const { base } = evidence;
    const policy = evidence.variant(variantOf(subject));
    const steered = await steeredMargins(policy.completions, base.model.unembedding(), {
      vectorFor: vectors.steering,
      lambda: -1,
    });
    const headAlone = await steeredMargins(policy.completions, base.model.unembedding());
    const { differs, reached } = flips({ start: policy.margins, steered, goal: base.margins });
    const unsteered = flips({ start: policy.margins, steered: headAlone, goal: base.margins });
    const count = (values: ArrayLike<number>): number =>
      Array.from(values).reduce((sum, value) => sum + value, 0);
    const changed = count(differs);
    return rateMeasurement(evidence.data.clusters, reached, differs, {
      flips: changed,
      undoneByHeadAlone: count(unsteered.reached) / changed,
    });
  });
