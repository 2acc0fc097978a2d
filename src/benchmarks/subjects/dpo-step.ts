import { overWidths, type Subject } from '../case.js';
import {
  createStepModel,
  dpoFlops,
  referenceOf,
  runDpoSteps,
  STEP_TOKENS,
  stepsARun,
  WIDTHS,
} from '../llama-steps.js';

export const dpoStep: Subject = {
  name: 'dpo-step',
  title: 'DPO step: 8 pairs, prompts of 48 tokens, completions of 16',
  axis: 'd',
  cases: overWidths(WIDTHS, (width) => ({
    series: 'step',
    repeats: stepsARun(width),
    flops: dpoFlops(width),
    tokens: STEP_TOKENS,
    prepare: async () => {
      const model = createStepModel(width);
      const reference = await referenceOf(model);
      return { run: () => runDpoSteps(model, reference, stepsARun(width)), dispose: () => model.dispose() };
    },
  })),
};
