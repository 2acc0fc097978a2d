import type { OptimiserConfig } from './config.js';

/**
 * The learning rate of update `step` = 0, 1, … of `totalSteps`, by Hugging Face's schedules: the warm-up is linear from
 * 0, so with one the first update has rate 0; `linear` and `cosine` reach 0 at `totalSteps`.
 */
export const learningRateAt = (
  step: number,
  totalSteps: number,
  { learningRate, warmupSteps, schedule }: Pick<OptimiserConfig, 'learningRate' | 'warmupSteps' | 'schedule'>,
): number => {
  if (step < warmupSteps) return (learningRate * step) / warmupSteps;
  if (schedule === 'constant') return learningRate;
  const done = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return learningRate * (schedule === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2);
};
