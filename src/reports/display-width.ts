/** Columns that text takes on a terminal. */

/** East Asian wide and fullwidth characters, and what is drawn as an emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** Marks that are drawn onto the character before them, and characters that nothing is drawn for. */
const NARROW = /[\p{Mn}\p{Me}\u200b-\u200f\u2060-\u2064\ufeff]/u;

const PRINTABLE_ASCII = /^[ -~]*$/;

/** 0, 1 or 2. A sequence that a terminal joins into one picture is counted by its parts: never too narrow. */
const widthOfCharacter = (character: string): number => {
  if (WIDE.test(character)) return 2;
  return NARROW.test(character) ? 0 : 1;
};

/** Columns of `text`, which holds no control characters. */
export const displayWidth = (text: string): number => {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
};

/** The longest beginning of `text` that takes at most `width` columns. */
export const takeColumns = (text: string, width: number): string => {
  let taken = '';
  let left = width;
  for (const character of text) {
    left -= widthOfCharacter(character);
    if (left < 0) break;
    taken += character;
  }
  return taken;
};
