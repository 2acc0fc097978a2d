import type { OptimiserConfig } from './config.js';

export type ScheduleConfig = Pick<
  OptimiserConfig,
  'learningRate' | 'warmupSteps' | 'warmupShare' | 'schedule' | 'finalRateShare'
>;

/**
 * The learning rate of update `step` = 0, 1, … of `totalSteps`, by Hugging Face's schedules: the warm-up is linear from
 * 0, so with one the first update has rate 0; `linear` and `cosine` reach `finalRateShare` of the peak at `totalSteps`.
 */
export const learningRateAt = (
  step: number,
  totalSteps: number,
  { learningRate, warmupSteps, warmupShare = 0, schedule, finalRateShare = 0 }: ScheduleConfig,
): number => {
  const warmup = warmupSteps > 0 ? warmupSteps : Math.ceil(totalSteps * warmupShare);
  if (step < warmup) return (learningRate * step) / warmup;
  if (schedule === 'constant') return learningRate;
  const done = Math.min(1, (step - warmup) / Math.max(1, totalSteps - warmup));
  const kept = schedule === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2;
  return learningRate * (finalRateShare + (1 - finalRateShare) * kept);
};
