import { atWidth, type Subject } from '../case.js';
import {
  onStepModel,
  runTrainingSteps,
  STEP_TOKENS,
  stepSeries,
  stepsARun,
  trainingFlops,
  WIDTHS,
} from '../llama-steps.js';

export const trainingStep: Subject = {
  name: 'training-step',
  title: 'Training step: forward, backward, AdamW; 16 × 64 tokens',
  axis: 'd',
  cases: stepSeries.flatMap(({ series, replicas }) =>
    WIDTHS.map((width) =>
      atWidth(width, {
        series,
        replicas,
        repeats: stepsARun(width),
        flops: trainingFlops(width),
        tokens: STEP_TOKENS,
        prepare: () =>
          onStepModel(
            width,
            async (model, others) => () => runTrainingSteps(model, stepsARun(width), { replicas: others }),
            replicas,
          ),
      }),
    ),
  ),
};
