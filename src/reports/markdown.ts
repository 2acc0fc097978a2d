/** GitHub-flavoured Markdown: foreign text made harmless, and rows of tables. */

/** Foreign text that Markdown and HTML leave as it is, on one line. */
export const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|#~]/g, '\\$&')
    .replace(/@/g, '@\u200b');

/** A row of a table; cells are Markdown already. */
export const markdownRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
