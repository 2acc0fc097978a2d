/** What a progress line says of a stage: how far, how fast, how long still. */

import { printable } from '../base/index.js';
import { formatSeconds } from './format.js';

export type Clock = () => number;

/** A stage as it runs. */
export interface StageState {
  readonly title: string;
  readonly total: number;
  readonly startedAt: number;
  steps: number;
  tokens: number;
}

export const openStage = (title: string, total: number, now: number): StageState => ({
  title: printable(title),
  total,
  startedAt: now,
  steps: 0,
  tokens: 0,
});

const tokenRate = (tokens: number, seconds: number): string => {
  if (tokens === 0 || seconds <= 0) return '';
  const rate = tokens / seconds;
  return rate >= 10_000 ? `${(rate / 1000).toFixed(1)}k tokens/s` : `${rate.toFixed(0)} tokens/s`;
};

/** `train one-frame · 12/80 · 4031 tokens/s · 9.2 s left`; no time left before the first step and after the last. */
export const describeStage = (stage: StageState, now: number): string => {
  const seconds = (now - stage.startedAt) / 1000;
  const { title, steps, total, tokens } = stage;
  const left = steps > 0 && steps < total ? (seconds / steps) * (total - steps) : undefined;
  return [
    title,
    `${steps}/${total}`,
    tokenRate(tokens, seconds),
    left === undefined ? '' : `${formatSeconds(left)} left`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
};

/** What is said of a stage when it is over: `train one-frame · 80 steps in 12 s · 4031 tokens/s`. */
export const describeFinishedStage = (
  { title, steps, tokens, startedAt }: StageState,
  now: number,
): string => {
  const seconds = (now - startedAt) / 1000;
  const work = steps > 1 ? `${steps} steps in ${formatSeconds(seconds)}` : formatSeconds(seconds);
  return [title, work, tokenRate(tokens, seconds)].filter((part) => part !== '').join(' · ');
};
