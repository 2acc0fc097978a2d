/** Plain text in columns. Widths are columns of a terminal, as `displayWidth` counts them. */

import { displayWidth, takeColumns } from './display-width.js';

export const pad = (text: string, width: number, filler = ' '): string =>
  text + filler.repeat(Math.max(0, width - displayWidth(text)));

export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - displayWidth(text))) + text;

/** At most `width` columns, the last of them `…` where something was cut off. */
export const cut = (text: string, width: number): string =>
  displayWidth(text) <= width ? text : `${takeColumns(text, Math.max(0, width - 1))}…`;

/** Lines of at most `width` columns (2 at least), broken at blanks, and within a word only where it alone is too long. */
export const wrapText = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    while (displayWidth(word) > width) {
      if (line !== '') lines.push(line);
      line = '';
      const head = takeColumns(word, Math.max(2, width));
      lines.push(head);
      word = word.slice(head.length);
    }
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= width) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
};

/** Columns that the widest of `texts` takes. */
export const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(displayWidth));

/** Rows under a header, columns as wide as their widest cell, numbers (`right`) flush right. */
export const alignColumns = (
  rows: readonly (readonly string[])[],
  right: readonly boolean[] = [],
): string[] => {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, displayWidth(cell));
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right[column] ? padStart(cell, width) : pad(cell, width);
      })
      .join('  ')
      .trimEnd(),
  );
};
