import { atWidth, type Subject } from '../case.js';
import {
  dpoFlops,
  onStepModel,
  referenceOf,
  runDpoSteps,
  STEP_TOKENS,
  stepSeries,
  stepsARun,
  WIDTHS,
} from '../llama-steps.js';

export const dpoStep: Subject = {
  name: 'dpo-step',
  title: 'DPO step: 8 pairs, prompts of 48 tokens, completions of 16',
  axis: 'd',
  cases: stepSeries.flatMap(({ series, replicas }) =>
    WIDTHS.map((width) =>
      atWidth(width, {
        series,
        replicas,
        repeats: stepsARun(width),
        flops: dpoFlops(width),
        tokens: STEP_TOKENS,
        prepare: () =>
          onStepModel(
            width,
            async (model, others) => {
              const reference = await referenceOf(model);
              return () => runDpoSteps(model, reference, stepsARun(width), { replicas: others });
            },
            replicas,
          ),
      }),
    ),
  ),
};
