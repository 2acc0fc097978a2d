import type { EncodedPair } from '../activations/index.js';
import type { LanguageModel } from '../model/index.js';
import type { PreferenceLogps } from '../training/index.js';
import { type CompletionOptions, collectCompletionStates } from './completion-states.js';
import { steeredLogps } from './steered-logps.js';

/** Pairs whose states are held at once, in batches. */
const batchesHeld = 16;

/**
 * Summed log-probabilities of the chosen and the rejected completion of every pair, in order, under interventions at
 * any layer. Memory is bounded by some batches, not by the number of pairs. Leaves no tensor behind.
 *
 * @throws InputError for an empty prompt or completion; UsageError for interventions that do not fit the model
 */
export const preferenceLogps = async (
  model: LanguageModel,
  encoded: readonly EncodedPair[],
  { batchSize = 32, interventionsFor, ...options }: CompletionOptions = {},
): Promise<PreferenceLogps> => {
  const chosen = new Float64Array(encoded.length);
  const rejected = new Float64Array(encoded.length);
  const step = batchSize * batchesHeld;
  for (let from = 0; from < encoded.length; from += step) {
    const states = await collectCompletionStates(model, encoded.slice(from, from + step), {
      ...options,
      batchSize,
      ...(interventionsFor ? { interventionsFor: (index: number) => interventionsFor(from + index) } : {}),
    });
    const logps = await steeredLogps(states, model.unembedding());
    chosen.set(logps.chosen, from);
    rejected.set(logps.rejected, from);
  }
  return { chosen, rejected };
};

/** log p(chosen) − log p(rejected), one a pair: positive where the chosen completion is preferred. */
export const preferenceMargins = ({ chosen, rejected }: PreferenceLogps): Float64Array =>
  chosen.map((logp, index) => logp - (rejected[index] ?? 0));
