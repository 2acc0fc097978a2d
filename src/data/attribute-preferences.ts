import { createRandom, InputError, type Random } from '../base/index.js';
import type { Attribute } from './attributes.js';
import type { PreferenceTuple } from './preference-tuple.js';

type Completions = Pick<PreferenceTuple, 'chosen' | 'rejected'>;

/** Words that add length and neither degree nor judgement. */
const idleWords = [' just', ' still', ' also', ' just as', ' still just', ' also just'] as const;

/** Formal against colloquial, alike in degree and in tokens of the shipped tokenizer; none is a shipped opinion word. */
const degrees = [
  [' quite', ' pretty'],
  [' truly', ' totally'],
  [' very', ' so'],
  [' rather', ' kinda'],
  [' indeed', ' mighty'],
] as const;

const draw = <T>(items: readonly T[], random: Random): T => items[random.integer(items.length)] as T;

/**
 * Both completions of a word, which holds its leading space. They differ from their first token on, since a hidden
 * state read at the last prompt token has no direct gradient of a difference that comes later.
 */
const realise: Readonly<
  Record<Exclude<Attribute, 'sentiment'>, (word: string, random: Random) => Completions>
> = {
  brevity: (word, random) => ({ chosen: word, rejected: draw(idleWords, random) + word }),
  punctuation: (word) => ({ chosen: `...${word}`, rejected: `:${word}` }),
  casing: (word) => ({ chosen: word, rejected: word.slice(0, 2).toUpperCase() + word.slice(2) }),
  formality: (word, random) => {
    const [formal, colloquial] = draw(degrees, random);
    return { chosen: formal + word, rejected: colloquial + word };
  },
};

const isWord = (completion: string): boolean => /^ [a-z]\S*$/.test(completion);

/**
 * Preferences along one attribute, made of tuples whose completions are a positive word and a negative one (chosen,
 * rejected), as the shipped ones are. Prompts, ids, sources and order stay; `sentiment` leaves all as it is.
 *
 * Other attributes keep one word of each tuple, in both completions, so that they say nothing of sentiment: of each two
 * successive tuples whose source sentences have the same label, one keeps its positive word and the other its negative
 * one. Which, and which phrase goes with it, is drawn from the tuple's id.
 *
 * @throws InputError when a completion is not a single word in small letters behind a space
 */
export const attributePreferences = (
  tuples: readonly PreferenceTuple[],
  attribute: Attribute,
): PreferenceTuple[] => {
  if (attribute === 'sentiment') return [...tuples];
  /** For each label of source sentences: whether the next tuple's word is positive, where that is settled. */
  const settled = new Map<PreferenceTuple['polarity'], boolean>();
  return tuples.map((tuple) => {
    const odd = [tuple.chosen, tuple.rejected].find((completion) => !isWord(completion));
    if (odd !== undefined) {
      throw new InputError(
        `preference ${tuple.id}: ${JSON.stringify(odd)} cannot be varied along ${attribute}`,
        { hint: 'an attribute needs completions of one word in small letters behind a space, as shipped' },
      );
    }
    const random = createRandom(tuple.id).fork(attribute);
    const toss = random.next() < 0.5;
    const before = settled.get(tuple.polarity);
    const positive = before ?? toss;
    if (before === undefined) settled.set(tuple.polarity, !positive);
    else settled.delete(tuple.polarity);
    return { ...tuple, ...realise[attribute](positive ? tuple.chosen : tuple.rejected, random) };
  });
};
