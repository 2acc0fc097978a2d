/** Progress as plain lines, for logs: nothing is rewritten, and a long stage says a word now and then. */

import type { Progress } from '../base/index.js';
import { printable } from '../base/index.js';
import { type Clock, describeFinishedStage, describeStage, openStage } from './stage-clock.js';

export interface PlainProgressOptions {
  readonly write: (text: string) => void;
  /** Milliseconds; default `Date.now`. */
  readonly clock?: Clock;
  /** Least milliseconds between two lines within a stage. Default 10,000. */
  readonly interval?: number;
}

/** A line when a stage starts, one when it ends, and between them at most one per `interval`. */
export const createPlainProgress = ({
  write,
  clock = Date.now,
  interval = 10_000,
}: PlainProgressOptions): Progress => ({
  stage: (title, total) => {
    const stage = openStage(title, total, clock());
    let saidAt = clock();
    let isOpen = true;
    write(`${stage.title} …\n`);
    return {
      advance: (steps = 1, tokens = 0) => {
        stage.steps += steps;
        stage.tokens += tokens;
        const now = clock();
        if (now - saidAt < interval) return;
        saidAt = now;
        write(`  ${describeStage(stage, now)}\n`);
      },
      end: () => {
        if (!isOpen) return;
        isOpen = false;
        write(`✓ ${describeFinishedStage(stage, clock())}\n`);
      },
    };
  },
  note: (message) => write(`${printable(message)}\n`),
  warn: (message) => write(`warning: ${printable(message)}\n`),
});
