import type { Subject } from '../case.js';
import { runTrainingSteps, stepCases, trainingFlops } from '../llama-steps.js';

export const trainingStep: Subject = {
  name: 'training-step',
  title: 'Training step: forward, backward, AdamW; 16 × 64 tokens',
  axis: 'd',
  cases: stepCases(trainingFlops, runTrainingSteps),
};
