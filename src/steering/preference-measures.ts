/** Measures of preference margins m = log p(chosen) − log p(rejected), one a prompt, under weights of the prompts. */

import { weightedMean } from '../statistics/index.js';

/** Whether the chosen completion is preferred; a tie is not a preference for it, as in TRL's `rewards/accuracies`. */
export const prefersChosen = (margin: number): boolean => margin > 0;

/** Mean margin in nats. */
export const meanMargin = (margins: ArrayLike<number>, weights?: ArrayLike<number>): number =>
  weightedMean(margins, weights);

/** Share of prompts whose chosen completion is preferred. */
export const preferenceAccuracy = (margins: ArrayLike<number>, weights?: ArrayLike<number>): number =>
  weightedMean(
    Array.from(margins, (margin) => (prefersChosen(margin) ? 1 : 0)),
    weights,
  );
