/** `flips-undone-base-head`: inversion read by the base's own head. */
import { flips, steeredMargins } from '../../steering/index.js';
import type { Measure } from './context.js';
import { rateMeasurement } from './measurement.js';
import { sumOf, withVectors } from './steering.js';

/**
 * Where base and policy prefer differently, how often the policy's final hidden state − v*, read by the base's W_U, prefers
 * as the base: what v* undoes of the hidden states, without what training did to W_U itself. Beside `flips-undone`, which
 * keeps the policy's head; the same where embeddings are frozen.
 */
export const measureFlipsUndoneBaseHead: Measure = ({ evidence }, subject) =>
  withVectors(evidence, subject, async ({ start, policy, vectorsAt }) => {
    const head = start.model.unembedding();
    const steered = await steeredMargins(policy.completions, head, {
      vectorFor: vectorsAt('postNorm').steering,
      lambda: -1,
    });
    const headAlone = await steeredMargins(policy.completions, head);
    const { differs, reached } = flips({ start: policy.margins, steered, goal: start.margins });
    const unsteered = flips({ start: policy.margins, steered: headAlone, goal: start.margins });
    const changed = sumOf(differs);
    return rateMeasurement(evidence.data.clusters, reached, differs, {
      flips: changed,
      undoneByHeadAlone: sumOf(unsteered.reached) / changed,
    });
  });
