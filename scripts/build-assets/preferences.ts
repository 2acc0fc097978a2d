/** Preference tuples of the three regimes, constructed from real sentences: the positive word is always preferred. */

import { createRandom, type Random } from '../../src/base/index.js';
import type { PreferenceRegime, PreferenceTuple, Tokenizer } from '../../src/data/index.js';
import { ONE_FRAME, SEEN_FRAMES, UNSEEN_FRAMES } from './frames.js';
import type { OpinionWord } from './opinion-words.js';
import { countWordsOf, cutFromLeft, withoutClosingMark } from './prompts.js';
import { identityOf, type Polarity, type ReviewSentence } from './sources.js';
import type { Split } from './split.js';
import { BalancedDraw, isMatched, type TokenCount, type WordPair } from './word-pairs.js';

export interface RegimeTuples {
  readonly train: PreferenceTuple[];
  readonly heldOut: PreferenceTuple[];
}

export const SIZES = { train: 640, heldOut: 768 } as const;

const FEWEST_WORDS = 3;

interface Context {
  readonly tokenizer: Tokenizer;
  readonly words: readonly OpinionWord[];
  readonly tokens: TokenCount;
}

type Half = 'train' | 'held-out';

const tupleId = (regime: PreferenceRegime, half: Half, index: number): string =>
  `${regime}/${half}/${String(index).padStart(3, '0')}`;

/** As many of each polarity, alternating, in random order otherwise. */
const balanced = <T extends { readonly polarity: Polarity }>(
  items: readonly T[],
  count: number,
  random: Random,
): T[] => {
  const of = (polarity: Polarity): T[] => random.shuffle(items.filter((item) => item.polarity === polarity));
  const [positive, negative] = [of('positive'), of('negative')];
  const each = Math.min(Math.floor(count / 2), positive.length, negative.length);
  return Array.from({ length: each }).flatMap((_, i) =>
    [positive[i], negative[i]].filter((item) => item !== undefined),
  );
};

/** Sentences long enough for a prompt, no two of which make the same one. */
const usable = (sentences: readonly ReviewSentence[], taken: Set<string>): ReviewSentence[] =>
  sentences.filter(({ text }) => {
    const identity = identityOf(text.split(' ').slice(-12).join(' '));
    if (countWordsOf(withoutClosingMark(text)) < FEWEST_WORDS || taken.has(identity)) return false;
    taken.add(identity);
    return true;
  });

interface Frame {
  readonly text: string;
  readonly split?: 'seen' | 'unseen';
}

const framed = (
  regime: PreferenceRegime,
  half: Half,
  sentences: readonly ReviewSentence[],
  frameOf: (index: number) => Frame,
  { tokenizer, words, tokens }: Context,
  random: Random,
): PreferenceTuple[] => {
  const draw = new BalancedDraw(tokens, random.fork('pairs'));
  const of = (polarity: Polarity): OpinionWord[] =>
    words.filter((word) => word.wordClass === 'quality' && word.polarity === polarity && word.inReviews > 0);
  const pairs = of('positive').flatMap((positive) =>
    of('negative')
      .map((negative): WordPair => ({ positive, negative }))
      .filter((pair) => isMatched(pair, tokens)),
  );
  const weight = ({ positive, negative }: WordPair): number =>
    (positive.frequency * negative.frequency) ** 0.4 / (tokens(positive) * tokens(negative));
  return sentences.map(({ id, text, polarity }, index) => {
    const frame = frameOf(index);
    const { positive, negative } = draw.draw(pairs, weight);
    return {
      id: tupleId(regime, half, index),
      prompt: cutFromLeft(withoutClosingMark(text), frame.text, tokenizer),
      chosen: ` ${positive.word}`,
      rejected: ` ${negative.word}`,
      source: id,
      polarity,
      ...(regime === 'many-frames' ? { frame: frame.text } : {}),
      ...(frame.split ? { frameSplit: frame.split } : {}),
    };
  });
};

const oneFrame = (split: Split, context: Context, random: Random): RegimeTuples => {
  const taken = new Set<string>();
  const half = (name: Half, sentences: readonly ReviewSentence[], size: number): PreferenceTuple[] => {
    const own = random.fork(name);
    const chosen = balanced(usable(sentences, taken), size, own);
    return framed('one-frame', name, chosen, () => ({ text: ONE_FRAME }), context, own);
  };
  return {
    train: half('train', split.trainReviews, SIZES.train),
    heldOut: half('held-out', split.heldOutReviews, SIZES.heldOut),
  };
};

/** Frames take turns, two sentences (one of each polarity) at a time. */
const manyFrames = (split: Split, context: Context, random: Random): RegimeTuples => {
  const taken = new Set<string>();
  const turn = (frames: readonly string[], index: number): string =>
    frames[Math.floor(index / 2) % frames.length] ?? '';
  const half = (
    name: Half,
    sentences: readonly ReviewSentence[],
    size: number,
    frame: (index: number) => Frame,
  ) => {
    const own = random.fork(name);
    return framed('many-frames', name, balanced(usable(sentences, taken), size, own), frame, context, own);
  };
  const seen = (index: number): Frame => ({ text: turn(SEEN_FRAMES, index), split: 'seen' });
  return {
    train: half('train', split.trainReviews, SIZES.train, seen),
    heldOut: half('held-out', split.heldOutReviews, SIZES.heldOut, (index) =>
      index % 4 < 2
        ? { text: turn(SEEN_FRAMES, Math.floor(index / 4) * 2), split: 'seen' }
        : { text: turn(UNSEEN_FRAMES, Math.floor(index / 4) * 2), split: 'unseen' },
    ),
  };
};

/** A sentence cut before one of its own opinion words, and the words that could stand there instead. */
interface Cut {
  readonly id: string;
  /** Of the whole sentence. */
  readonly polarity: Polarity;
  readonly own: OpinionWord;
  readonly prompt: string;
  readonly pairs: readonly WordPair[];
}

const startsWithVowel = ({ word }: OpinionWord): boolean => /^[aeiou]/.test(word);

const cutsOf = ({ id, text, polarity }: ReviewSentence, { tokenizer, words, tokens }: Context): Cut[] =>
  words.flatMap((own): Cut[] => {
    const match = new RegExp(`^(.*\\S) ${own.word}(?![\\p{L}'’-])`, 'u').exec(text);
    const before = match?.[1];
    if (before === undefined || countWordsOf(before) < FEWEST_WORDS) return [];
    const afterArticle = / an?$/i.test(before);
    const pairs = words
      .filter((other) => other.wordClass === own.wordClass && other.polarity !== own.polarity)
      .filter((other) => !afterArticle || startsWithVowel(other) === startsWithVowel(own))
      .map(
        (other): WordPair =>
          own.polarity === 'positive'
            ? { positive: own, negative: other }
            : { positive: other, negative: own },
      )
      .filter((pair) => isMatched(pair, tokens));
    return pairs.length === 0
      ? []
      : [{ id, polarity, own, prompt: cutFromLeft(before, '', tokenizer), pairs }];
  });

/** One cut a sentence: before a word of judgement if there is one. */
const chooseCut = (cuts: readonly Cut[], random: Random): Cut | undefined => {
  const judging = cuts.filter(({ own }) => own.wordClass === 'quality' || own.wordClass === 'feeling');
  return random.shuffle(judging.length > 0 ? judging : cuts)[0];
};

const cloze = (split: Split, context: Context, random: Random): RegimeTuples => {
  const taken = new Set<string>();
  const half = (name: Half, sentences: readonly ReviewSentence[], size: number): PreferenceTuple[] => {
    const own = random.fork(name);
    const cuts = sentences.flatMap((sentence) => {
      const cut = chooseCut(cutsOf(sentence, context), own.fork(sentence.id));
      const identity = identityOf(cut?.prompt ?? '');
      if (!cut || taken.has(identity)) return [];
      taken.add(identity);
      return [cut];
    });
    const draw = new BalancedDraw(context.tokens, own.fork('pairs'));
    const weight = (pair: WordPair): number =>
      Math.min(pair.positive.inReviews, pair.negative.inReviews) + 0.25;
    return balanced(cuts, size, own).map(({ id, polarity, prompt, pairs }, index) => {
      const { positive, negative } = draw.draw(pairs, weight);
      return {
        id: tupleId('cloze', name, index),
        prompt,
        chosen: ` ${positive.word}`,
        rejected: ` ${negative.word}`,
        source: id,
        polarity,
      };
    });
  };
  return {
    train: half('train', split.trainReviews, SIZES.train),
    heldOut: half('held-out', split.heldOutReviews, SIZES.heldOut),
  };
};

/** All regimes from one split; the same inputs give the same tuples. */
export const buildPreferences = (
  split: Split,
  words: readonly OpinionWord[],
  tokenizer: Tokenizer,
  seed: number | string,
): Record<PreferenceRegime, RegimeTuples> => {
  const lengths = new Map(words.map(({ word }) => [word, tokenizer.encode(` ${word}`).length]));
  const context: Context = { tokenizer, words, tokens: ({ word }) => lengths.get(word) ?? 0 };
  const random = createRandom(seed).fork('preferences');
  return {
    'one-frame': oneFrame(split, context, random.fork('one-frame')),
    'many-frames': manyFrames(split, context, random.fork('many-frames')),
    cloze: cloze(split, context, random.fork('cloze')),
  };
};
