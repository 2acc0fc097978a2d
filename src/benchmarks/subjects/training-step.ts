import type { Subject } from '../case.js';
import { runTrainingSteps, stepCases, stepsARun, trainingFlops } from '../llama-steps.js';

export const trainingStep: Subject = {
  name: 'training-step',
  title: 'Training step: forward, backward, AdamW; 16 × 64 tokens',
  axis: 'd',
  cases: stepCases(
    trainingFlops,
    (width) => async (model, replicas) => () => runTrainingSteps(model, stepsARun(width), { replicas }),
  ),
};
