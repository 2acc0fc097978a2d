/**
 * Opinion words: picked by reading the words of the Liu lexicons that occur in the training text, sorted by the place in
 * a sentence they can take. Words whose polarity depends on the thing judged (funny, cheap thrills, hot) are left out
 * where reading showed it. The build drops every word that is not in the lexicon or too rare in the training text.
 */

import { MIXTURE } from './settings.js';
import type { Polarity, Sources } from './sources.js';
import type { Split } from './split.js';

/** Words of one class can stand for each other. Only `quality` reads well behind the frames. */
export type WordClass =
  | 'quality'
  | 'feeling'
  | 'verb'
  | 'verb-third-person'
  | 'verb-past'
  | 'noun'
  | 'adverb'
  | 'grade';

const WORDS: Readonly<Record<WordClass, Readonly<Record<Polarity, string>>>> = {
  quality: {
    positive: `accessible admirable adorable affordable amazing appropriate attentive attractive authentic awesome
      beautiful believable beneficial bright brilliant charming classic clean clear clever comfortable consistent
      convenient convincing cool courteous crisp cute decent delicious delightful desirable durable dynamic easy
      effective enchanting encouraging endearing engaging enjoyable entertaining excellent exceptional exciting exquisite
      fabulous fair fantastic fast favorable fine flawless fresh friendly fruitful fun generous good great handy healthy
      helpful hilarious honest hopeful humorous ideal imaginative impeccable impressive incredible inexpensive
      innovative intelligent interesting lovely magnificent mature meaningful memorable modern modest neat nice
      outstanding perfect phenomenal pleasant poignant popular positive powerful productive profound
      prudent quiet realistic reasonable refreshing reliable remarkable responsive rewarding rich safe
      satisfactory satisfying sincere sleek smart smooth solid sophisticated splendid strong stunning sturdy sublime
      successful suitable super superb superior sweet talented terrific timely unforgettable uplifting useful
      valuable warm wholesome wise witty wonderful worthwhile worthy`,
    negative: `absurd abysmal aggravating annoying appalling awful awkward bad bitter bland boring broken cheap cold
      complicated confusing contrived convoluted costly cynical dangerous defective deficient deplorable depressing
      destructive difficult dirty disappointing disastrous dishonest disturbing dreary dull dumb embarrassing
      empty excessive expensive fake false flawed flimsy foolish frightening frustrating futile
      gross harmful harsh hazardous hollow hopeless horrendous horrible impossible imperfect improper inadequate
      inappropriate inconsistent ineffective inefficient inferior insufficient intolerable irresponsible lame
      laughable lousy ludicrous lukewarm mediocre misleading miserable monotonous nasty needless negative
      noisy obsolete offensive outrageous overpriced painful pathetic petty pitiful pointless poor pretentious pricey
      regrettable reckless ridiculous rude sad scary selfish shallow shocking shoddy sketchy sloppy
      slow spotty stale strange stupid tacky tasteless tedious terrible tragic tricky ugly unacceptable unbearable
      uncertain uncomfortable unconvincing undesirable unfair unfit unfortunate unhealthy unjust unnecessary unpleasant
      unpredictable unrealistic unreasonable unreliable unsafe unsatisfactory unsound unstable unwise useless violent
      vague vulnerable wasteful weak weird worthless wrong hard loud`,
  },
  feeling: {
    positive:
      'amazed confident fortunate glad grateful happy impressed lucky pleased proud satisfied thankful thrilled',
    negative: `afraid angry annoyed anxious bored concerned disappointed disgusted frustrated guilty insulted lost mad
      scared shocked sick sorry tired unhappy upset worried`,
  },
  verb: {
    positive: 'appreciate enjoy favor help improve like love recommend support trust win work',
    negative: 'break complain disappoint fail hate ignore kill lack lose miss regret ruin suck suffer waste',
  },
  'verb-third-person': {
    positive: 'enjoys excels likes loves succeeds wins works',
    negative: 'breaks dies drags fails falls hurts lacks loses stinks sucks',
  },
  'verb-past': {
    positive: 'enjoyed helped improved liked loved recommended supported won worked',
    negative:
      'broke died disliked dropped failed hated insulted lacked lost missed refused ruined sucked suffered wasted',
  },
  noun: {
    positive: `achievement bargain beauty bonus charm comfort delight excellence fun gem genius improvement joy love luck
      masterpiece perfection pleasure success support treat treasure winner work wonder`,
    negative: `bore complaint complaints conflict crap death disappointment disaster disgrace failure fear flaws garbage
      hell insult issues joke junk mess mistake nonsense problem problems risk shame torture trash trouble waste`,
  },
  adverb: {
    positive: `beautifully brilliantly clearly comfortably effectively fairly incredibly perfectly promptly properly
      quickly reasonably well wonderfully`,
    negative: 'badly desperately hardly horribly miserably painfully poorly slowly terribly utterly',
  },
  grade: { positive: 'best better greatest finest', negative: 'worst worse' },
};

export interface OpinionWord {
  readonly word: string;
  readonly polarity: Polarity;
  readonly wordClass: WordClass;
  /** Per million words of the pretraining mixture's training text, in this lower-case form. */
  readonly frequency: number;
  /** Occurrences in the training reviews: a word that has none there is seldom said of what reviews judge. */
  readonly inReviews: number;
}

/** Per million; rarer words are too little known to a model of this text. */
const RAREST = 4;

const WORD = /\p{L}+(?:['’-]\p{L}+)*/gu;

const countWords = (
  texts: readonly { readonly text: string }[],
): { counts: Map<string, number>; total: number } => {
  const counts = new Map<string, number>();
  let total = 0;
  for (const { text } of texts) {
    for (const [word] of text.matchAll(WORD)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      total++;
    }
  }
  return { counts, total };
};

const mixtureStatistics = ({ trainReviews, trainSpeeches }: Split) => {
  const reviews = countWords(trainReviews);
  const speeches = countWords(trainSpeeches);
  const parts = MIXTURE.reviews + MIXTURE.speeches;
  return (word: string): Pick<OpinionWord, 'frequency' | 'inReviews'> => {
    const inReviews = reviews.counts.get(word) ?? 0;
    const inSpeeches = speeches.counts.get(word) ?? 0;
    const share =
      (MIXTURE.reviews * inReviews) / reviews.total + (MIXTURE.speeches * inSpeeches) / speeches.total;
    return { frequency: (1e6 * share) / parts, inReviews };
  };
};

/** The words of the lists above that the lexicons confirm and the training text knows. */
export const selectOpinionWords = (lexicon: Sources['lexicon'], split: Split): OpinionWord[] => {
  const statisticsOf = mixtureStatistics(split);
  const chosen: OpinionWord[] = [];
  for (const [wordClass, sides] of Object.entries(WORDS) as [WordClass, Record<Polarity, string>][]) {
    for (const [polarity, list] of Object.entries(sides) as [Polarity, string][]) {
      const opposite = polarity === 'positive' ? 'negative' : 'positive';
      for (const word of new Set(list.split(/\s+/))) {
        const { frequency, inReviews } = statisticsOf(word);
        if (frequency < RAREST || !lexicon[polarity].has(word) || lexicon[opposite].has(word)) continue;
        chosen.push({ word, polarity, wordClass, frequency: Number(frequency.toFixed(2)), inReviews });
      }
    }
  }
  return chosen;
};
