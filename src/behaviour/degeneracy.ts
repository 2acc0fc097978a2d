/** The one notion of degenerate text: nothing said, or the same again and again. Text cut short is counted apart. */

/** A text is repetitive if in some stretch of this many of its units fewer than `leastDistinct` are distinct. */
const stretch = 32;
const leastDistinct = 0.5;

/** Tokens or words; a text from a generation may end with the token that ended it. */
export type TextUnits = ArrayLike<number> | ArrayLike<string>;

export interface ScreenOptions {
  /** Units that end a text and are no part of what it says. Default: none. */
  readonly ends?: readonly (number | string)[];
  /** Where generation was stopped: a text of that many units that does not end by itself is truncated. Default: nowhere. */
  readonly maxLength?: number;
}

export interface ScreenedText {
  /** `empty`: nothing but an end. `repetition`: some 32 units in a row, or all of fewer, are less than half distinct. */
  readonly degeneration: 'none' | 'empty' | 'repetition';
  /** Cut off by the limit of length. It makes no text degenerate: short limits cut every text. */
  readonly truncated: boolean;
}

/** Fewest distinct units in any stretch, as a share of its length; 1 of no text. */
const smallestDistinctShare = (units: readonly (number | string)[]): number => {
  const length = Math.min(stretch, units.length);
  if (length === 0) return 1;
  const counts = new Map<number | string, number>();
  let fewest = length;
  units.forEach((unit, index) => {
    counts.set(unit, (counts.get(unit) ?? 0) + 1);
    const left = units[index - length];
    if (left !== undefined) {
      const remaining = (counts.get(left) ?? 0) - 1;
      if (remaining > 0) counts.set(left, remaining);
      else counts.delete(left);
    }
    if (index >= length - 1) fewest = Math.min(fewest, counts.size);
  });
  return fewest / length;
};

/** What is wrong with a text's form, by its units alone. */
export const screenText = (text: TextUnits, { ends = [], maxLength }: ScreenOptions = {}): ScreenedText => {
  const all: (number | string)[] = Array.from<number | string>(text);
  let said = all.length;
  while (said > 0 && ends.includes(all[said - 1] ?? '')) said--;
  const truncated = maxLength !== undefined && all.length >= maxLength && said === all.length;
  if (said === 0) return { degeneration: 'empty', truncated };
  const repeats = smallestDistinctShare(all.slice(0, said)) < leastDistinct;
  return { degeneration: repeats ? 'repetition' : 'none', truncated };
};

/** Empty or repetitive. */
export const isDegenerate = (text: TextUnits, options: ScreenOptions = {}): boolean =>
  screenText(text, options).degeneration !== 'none';

/** How many of some texts are what; `empty` and `repetition` exclude each other, `truncated` goes beside either. */
export interface DegeneracyCounts {
  readonly texts: number;
  readonly empty: number;
  readonly repetition: number;
  readonly truncated: number;
  /** Empty or repetitive, as a share of all: 0 to 1; NaN of no text. */
  readonly degenerateShare: number;
}

/** Screens texts, each fault counted apart. */
export const screenTexts = (texts: readonly TextUnits[], options: ScreenOptions = {}): DegeneracyCounts => {
  const screened = texts.map((text) => screenText(text, options));
  const count = (fault: (text: ScreenedText) => boolean): number => screened.filter(fault).length;
  const empty = count(({ degeneration }) => degeneration === 'empty');
  const repetition = count(({ degeneration }) => degeneration === 'repetition');
  return {
    texts: texts.length,
    empty,
    repetition,
    truncated: count(({ truncated }) => truncated),
    degenerateShare: (empty + repetition) / texts.length,
  };
};
