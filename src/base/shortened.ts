/** The first `longest` characters of a text, and where that is not all of it, how many it has. */
export const shortened = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text;
