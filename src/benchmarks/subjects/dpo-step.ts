import type { Subject } from '../case.js';
import { dpoFlops, referenceOf, runDpoSteps, stepCases, stepsARun } from '../llama-steps.js';

export const dpoStep: Subject = {
  name: 'dpo-step',
  title: 'DPO step: 8 pairs, prompts of 48 tokens, completions of 16',
  axis: 'd',
  cases: stepCases(dpoFlops, (width) => async (model, replicas) => {
    const reference = await referenceOf(model);
    return () => runDpoSteps(model, reference, stepsARun(width), { replicas });
  }),
};
