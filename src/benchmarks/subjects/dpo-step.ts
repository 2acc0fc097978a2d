import type { Subject } from '../case.js';
import { dpoFlops, referenceOf, runDpoSteps, stepCases } from '../llama-steps.js';

export const dpoStep: Subject = {
  name: 'dpo-step',
  title: 'DPO step: 8 pairs, prompts of 48 tokens, completions of 16',
  axis: 'd',
  cases: stepCases(dpoFlops, async (model, steps, options) =>
    runDpoSteps(model, await referenceOf(model), steps, options),
  ),
};
