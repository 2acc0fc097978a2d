import { overWidths, type Subject } from '../case.js';
import {
  createStepModel,
  runTrainingSteps,
  STEP_TOKENS,
  stepsARun,
  trainingFlops,
  WIDTHS,
} from '../llama-steps.js';

export const trainingStep: Subject = {
  name: 'training-step',
  title: 'Training step: forward, backward, AdamW; 16 × 64 tokens',
  axis: 'd',
  cases: overWidths(WIDTHS, (width) => ({
    series: 'step',
    repeats: stepsARun(width),
    flops: trainingFlops(width),
    tokens: STEP_TOKENS,
    prepare: async () => {
      const model = createStepModel(width);
      return { run: () => runTrainingSteps(model, stepsARun(width)), dispose: () => model.dispose() };
    },
  })),
};
