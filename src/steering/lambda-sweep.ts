import type { tf } from '../engine/index.js';
import type { CompletionStates } from './completion-states.js';
import { meanMargin, preferenceAccuracy } from './preference-measures.js';
import { type Steering, steeredMargins } from './steered-logps.js';

export interface LambdaPoint {
  readonly lambda: number;
  /** log p(chosen) − log p(rejected), one a pair. */
  readonly margins: Float64Array;
  readonly meanMargin: number;
  /** Share of pairs whose chosen completion is the likelier one. */
  readonly preferenceAccuracy: number;
}

/**
 * Margins and preference accuracy for each λ, in the order given, from states collected once.
 *
 * @throws UsageError as `steeredMargins`; in particular ablation takes no negative λ
 */
export const lambdaSweep = async (
  completion: CompletionStates,
  unembedding: tf.Tensor2D,
  steering: Omit<Steering, 'lambda'>,
  lambdas: readonly number[],
): Promise<LambdaPoint[]> => {
  const points: LambdaPoint[] = [];
  for (const lambda of lambdas) {
    const margins = await steeredMargins(completion, unembedding, { ...steering, lambda });
    points.push({
      lambda,
      margins,
      meanMargin: meanMargin(margins),
      preferenceAccuracy: preferenceAccuracy(margins),
    });
  }
  return points;
};
