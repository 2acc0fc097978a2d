/** Plain text in columns. Widths count code points. */

export const pad = (text: string, width: number, filler = ' '): string =>
  text + filler.repeat(Math.max(0, width - [...text].length));

/** At most `width` characters, the last of them `…` where something was cut off. */
export const cut = (text: string, width: number): string => {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
};

/** Lines of at most `width` characters, broken at blanks, and within a word only where it alone is too long. */
export const wrapText = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    while ([...word].length > width) {
      if (line !== '') lines.push(line);
      line = '';
      lines.push([...word].slice(0, width).join(''));
      word = [...word].slice(width).join('');
    }
    const longer = line === '' ? word : `${line} ${word}`;
    if ([...longer].length <= width) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
};

/** Rows under a header, columns as wide as their widest cell, numbers (`right`) flush right. */
export const alignColumns = (
  rows: readonly (readonly string[])[],
  right: readonly boolean[] = [],
): string[] => {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, [...cell].length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right[column] ? ' '.repeat(width - [...cell].length) + cell : pad(cell, width);
      })
      .join('  ')
      .trimEnd(),
  );
};
