/** Python's `str.split()`: words between white space, none of them empty. */
const words = (text: string): string[] => text.split(/\s+/u).filter((word) => word !== '');

/**
 * The tokens of a text as `mteval-v13a.pl` and sacreBLEU's default tokenizer see them: punctuation apart from words, full
 * stops and commas inside numbers kept, entities of SGML undone. Case is kept.
 */
export const tokenize13a = (text: string): string[] => {
  const plain = text
    .trimEnd()
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  const apart = ` ${plain} `
    .replace(/[{-~[-` -&(-+:-@/]/g, ' $& ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ');
  return words(apart);
};
