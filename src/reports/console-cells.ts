/** Cells of a console table: padded before they are painted, so that colour never moves a column. */

import type { Outcome } from '../claims/index.js';
import { displayWidth } from './display-width.js';
import type { Style } from './style.js';
import { cut } from './text.js';

export type Paint = (text: string) => string;

export interface Cell {
  readonly text: string;
  /** Columns; a cell of 0 is left out, with the gap beside it. */
  readonly width: number;
  readonly paint?: Paint;
  /** Flush right. Default false. */
  readonly right?: boolean;
}

/** Blanks between two columns. */
export const CELL_GAP = 2;

export const outcomePaint = (style: Style, outcome: Outcome): Paint => {
  if (outcome === 'pass') return style.green;
  return outcome === 'inconclusive' ? style.yellow : style.red;
};

/** One line of cells, each cut to its width. */
export const joinCells = (cells: readonly Cell[]): string =>
  cells
    .filter(({ width }) => width > 0)
    .map(({ text, width, paint = (same) => same, right = false }) => {
      const fitted = cut(text, width);
      const blanks = ' '.repeat(Math.max(0, width - displayWidth(fitted)));
      return right ? blanks + paint(fitted) : paint(fitted) + blanks;
    })
    .join(' '.repeat(CELL_GAP))
    .trimEnd();
