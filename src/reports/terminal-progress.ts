/** Progress on a terminal: one line that is rewritten in place, and what is worth keeping above it. */

import type { Progress } from '../base/index.js';
import { printable } from '../base/index.js';
import {
  type Clock,
  describeFinishedStage,
  describeStage,
  openStage,
  type StageState,
} from './stage-clock.js';
import { type Style, styleFor } from './style.js';
import { cut } from './text.js';

export interface TerminalProgressOptions {
  readonly write: (text: string) => void;
  /** Columns of the terminal at this moment: it may be resized. */
  readonly columns: () => number;
  readonly color?: boolean;
  /** Milliseconds; default `Date.now`. */
  readonly clock?: Clock;
  /** Least milliseconds between two redraws. Default 100. */
  readonly interval?: number;
}

const CLEAR_LINE = '\r\u001b[2K';
const BAR = 16;

const bar = ({ steps, total }: StageState, style: Style): string => {
  const filled = total > 0 ? Math.min(BAR, Math.floor((steps / total) * BAR)) : 0;
  return style.cyan('━'.repeat(filled)) + style.dim('━'.repeat(BAR - filled));
};

/** A progress reporter whose line must be cleared before anything else is written to the terminal. */
export interface ClearableProgress extends Progress {
  clear(): void;
}

/** Shows the innermost open stage in a single line, redrawn ten times a second at most. */
export const createTerminalProgress = ({
  write,
  columns,
  color = false,
  clock = Date.now,
  interval = 100,
}: TerminalProgressOptions): ClearableProgress => {
  const style = styleFor(color);
  const open: StageState[] = [];
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  const clear = (): void => {
    if (isDrawn) write(CLEAR_LINE);
    isDrawn = false;
  };
  const draw = (force: boolean): void => {
    const stage = open.at(-1);
    const now = clock();
    if (stage === undefined || (!force && now - drawnAt < interval)) return;
    const text = cut(describeStage(stage, now), columns() - BAR - 2);
    write(`${CLEAR_LINE}${bar(stage, style)} ${text}`);
    drawnAt = now;
    isDrawn = true;
  };
  const keep = (line: string): void => {
    clear();
    write(`${line}\n`);
    draw(true);
  };
  return {
    stage: (title, total) => {
      const stage = openStage(title, total, clock());
      open.push(stage);
      draw(true);
      return {
        advance: (steps = 1, tokens = 0) => {
          stage.steps += steps;
          stage.tokens += tokens;
          draw(false);
        },
        end: () => {
          const index = open.indexOf(stage);
          if (index < 0) return;
          open.splice(index, 1);
          keep(`${style.green('✓')} ${style.dim(cut(describeFinishedStage(stage, clock()), columns() - 3))}`);
        },
      };
    },
    note: (message) => keep(style.dim(printable(message))),
    warn: (message) => keep(`${style.yellow('warning:')} ${printable(message)}`),
    clear,
  };
};
