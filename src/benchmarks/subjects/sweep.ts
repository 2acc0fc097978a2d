/** A λ sweep over completion states that were collected once. */
import { createRandom } from '../../base/index.js';
import { collectCompletionStates, lambdaSweep } from '../../steering/index.js';
import { atWidth, type Subject } from '../case.js';
import { COMPLETION, onStepModel, preferencePairs, WIDTHS } from '../llama-steps.js';

const lambdas = Array.from({ length: 21 }, (_, index) => (index - 10) / 10);

export const sweep: Subject = {
  name: 'sweep',
  title: 'λ sweep: 21 λ over 8 pairs, completions of 16 tokens',
  axis: 'd',
  cases: WIDTHS.map((width) =>
    atWidth(width, {
      series: 'sweep',
      tokens: lambdas.length * preferencePairs.length * 2 * COMPLETION,
      prepare: () =>
        onStepModel(width, async (model) => {
          const states = await collectCompletionStates(model, preferencePairs);
          const random = createRandom('benchmark vector');
          const vector = Float64Array.from({ length: width }, () => random.normal());
          return () => lambdaSweep(states, model.unembedding(), { vectorFor: () => vector }, lambdas);
        }),
    }),
  ),
};
