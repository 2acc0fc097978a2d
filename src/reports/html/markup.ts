/** HTML as a tagged template: whatever is not markup already is escaped. */

/** Text that is HTML already: only `html` and `rawMarkup` make it. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

export type HtmlValue = string | number | Markup | undefined | readonly HtmlValue[];

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Foreign text for HTML, in content and in quoted attributes. Line breaks stay; other control characters, and those that
 * turn the direction of writing, become visible escapes.
 */
export const escapeHtml = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => REFERENCES[character] ?? '')
    .replace(/[^\P{Cc}\n\t]|[\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
      const code = character.charCodeAt(0);
      return `\\u${code.toString(16).padStart(4, '0')}`;
    });

const textOf = (value: HtmlValue): string => {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  return typeof value === 'object' ? value.map(textOf).join('') : escapeHtml(String(value));
};

/** Strings and numbers are escaped, markup stands as it is, lists are joined, `undefined` is nothing. */
export const html = (strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Markup =>
  new Markup(strings.map((part, index) => part + textOf(values[index])).join(''));

/** Vouches for `text`: for what this program wrote itself, never for foreign text. */
export const rawMarkup = (text: string): Markup => new Markup(text);

/** An element's id from foreign text: letters, digits and hyphens alone. */
export const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'x';
