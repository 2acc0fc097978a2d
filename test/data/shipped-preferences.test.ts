import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ONE_FRAME, SEEN_FRAMES, UNSEEN_FRAMES } from '../../scripts/build-assets/frames.js';
import type { OpinionWord } from '../../scripts/build-assets/opinion-words.js';
import { FREQUENCY_BIN, TOKEN_BIN } from '../../scripts/build-assets/word-pairs.js';
import {
  assetsFolder,
  encodePreference,
  loadShippedPreferences,
  loadTokenizer,
  PREFERENCE_REGIMES,
  type PreferenceTuple,
} from '../../src/data/index.js';
import { readJsonLines } from '../../src/data/json-lines.js';

const tokenizer = await loadTokenizer(join(assetsFolder(), 'model'));
const words = new Map<string, OpinionWord>();
/** A word can be of several kinds. */
const kinds = new Map<string, Set<string>>();
for await (const { value } of readJsonLines(join(assetsFolder(), 'preferences', 'opinion-words.jsonl'))) {
  const word = value as OpinionWord;
  const completion = ` ${word.word}`;
  words.set(completion, word);
  kinds.set(completion, new Set([...(kinds.get(completion) ?? []), word.wordClass]));
}
const regimes = await Promise.all(
  PREFERENCE_REGIMES.map(async (regime) => ({ regime, ...(await loadShippedPreferences(regime)) })),
);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

const normalised = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ');

const wordOf = (completion: string): OpinionWord => {
  const word = words.get(completion);
  if (!word) throw new Error(`${completion} is no opinion word`);
  return word;
};

describe('the split of the shipped preferences', () => {
  it('should keep every sentence on one side, over all regimes together', () => {
    const train = new Set(regimes.flatMap((regime) => regime.train.map(({ source }) => source)));
    const heldOut = regimes.flatMap((regime) => regime.heldOut.map(({ source }) => source));
    expect(heldOut.filter((source) => train.has(source))).toEqual([]);
  });
});

describe.each(regimes)('the shipped preferences of $regime', ({ regime, train, heldOut }) => {
  const halves: [string, PreferenceTuple[]][] = [
    ['train', train],
    ['heldOut', heldOut],
  ];

  it('should have at least 600 training tuples and 512 held-out prompts, each from a sentence of its own', () => {
    expect(train.length).toBeGreaterThanOrEqual(600);
    expect(heldOut.length).toBeGreaterThanOrEqual(512);
    for (const [, tuples] of halves) {
      expect(new Set(tuples.map(({ source }) => source)).size).toBe(tuples.length);
      expect(new Set(tuples.map(({ id }) => id)).size).toBe(tuples.length);
    }
  });

  it('should have no prompt twice, within a half or across', () => {
    const prompts = [...train, ...heldOut].map(({ prompt }) => normalised(prompt));
    expect(new Set(prompts).size).toBe(prompts.length);
  });

  it.each(halves)('should come half from positive and half from negative sentences: %s', (_, tuples) => {
    expect(tuples.filter(({ polarity }) => polarity === 'positive')).toHaveLength(tuples.length / 2);
    expect(tuples.filter(({ polarity }) => polarity === 'negative')).toHaveLength(tuples.length / 2);
  });

  it.each(
    halves,
  )('should always prefer the positive word, of the same kind as the other: %s', (_, tuples) => {
    for (const { chosen, rejected } of tuples) {
      expect([wordOf(chosen).polarity, wordOf(rejected).polarity]).toEqual(['positive', 'negative']);
      const shared = [...(kinds.get(chosen) ?? [])].filter((kind) => kinds.get(rejected)?.has(kind));
      expect(shared, `${chosen} against ${rejected}`).not.toEqual([]);
    }
  });

  it.each(
    halves,
  )('should match the words of a pair in frequency and length, and a file over all: %s', (_, tuples) => {
    const ratios = tuples.map(({ chosen, rejected }) =>
      Math.log10(wordOf(chosen).frequency / wordOf(rejected).frequency),
    );
    const lengths = tuples.map(
      ({ chosen, rejected }) => tokenizer.encode(chosen).length - tokenizer.encode(rejected).length,
    );
    // Frequencies are stored to two decimals.
    expect(Math.max(...ratios.map(Math.abs))).toBeLessThanOrEqual(FREQUENCY_BIN + 0.001);
    expect(Math.max(...lengths.map(Math.abs))).toBeLessThanOrEqual(TOKEN_BIN);
    expect(Math.abs(mean(ratios))).toBeLessThan(0.01);
    expect(Math.abs(mean(lengths))).toBeLessThan(0.01);
  });

  it.each(halves)('should not let polarity of the sentence tell which pairs it gets: %s', (_, tuples) => {
    if (regime === 'cloze') return;
    const frequencies = (polarity: string): number[] =>
      tuples
        .filter((each) => each.polarity === polarity)
        .map(({ chosen }) => Math.log10(wordOf(chosen).frequency));
    // Three standard errors of the difference of two means; log10 frequencies of chosen words have s.d. below 0.5.
    const bound = 3 * 0.5 * Math.sqrt(4 / tuples.length);
    expect(Math.abs(mean(frequencies('positive')) - mean(frequencies('negative')))).toBeLessThan(bound);
  });

  it.each(
    halves,
  )('should fit the context of 64 tokens untruncated, completions of one token among them: %s', (_, tuples) => {
    const encoded = tuples.map((tuple) => encodePreference(tokenizer, tuple, { maxLength: 64 }));
    expect(encoded.filter(({ truncated }) => truncated)).toEqual([]);
    const single = encoded.filter(({ chosen, rejected }) => chosen.length === 1 && rejected.length === 1);
    expect(single.length / encoded.length).toBeGreaterThan(0.25);
    expect(single.length / encoded.length).toBeLessThan(0.75);
  });

  it('should end each prompt where a word can follow', () => {
    for (const { prompt, chosen, rejected } of [...train, ...heldOut]) {
      expect(prompt).toBe(prompt.trim());
      expect(chosen).toMatch(/^ \S+$/);
      expect(rejected).toMatch(/^ \S+$/);
    }
  });
});

describe('the frames', () => {
  const of = (name: string) => regimes.find(({ regime }) => regime === name) ?? { train: [], heldOut: [] };
  const frames = (tuples: readonly PreferenceTuple[]): Set<string | undefined> =>
    new Set(tuples.map(({ frame }) => frame));

  it('should be one in one-frame', () => {
    const { train, heldOut } = of('one-frame');
    for (const { prompt } of [...train, ...heldOut]) expect(prompt.endsWith(ONE_FRAME)).toBe(true);
  });

  it('should be at least 24 in many-frames, six or more of them kept for evaluation', () => {
    const { train, heldOut } = of('many-frames');
    expect(new Set([...SEEN_FRAMES, ...UNSEEN_FRAMES]).size).toBeGreaterThanOrEqual(24);
    const unseen = heldOut.filter(({ frameSplit }) => frameSplit === 'unseen');
    const seen = heldOut.filter(({ frameSplit }) => frameSplit === 'seen');
    expect(unseen.length).toBe(seen.length);
    expect(frames(train)).toEqual(new Set(SEEN_FRAMES));
    expect(frames(seen)).toEqual(new Set(SEEN_FRAMES));
    expect(frames(unseen)).toEqual(new Set(UNSEEN_FRAMES));
    expect(frames(unseen).size).toBeGreaterThanOrEqual(6);
    for (const { frame } of unseen) expect(frames(train).has(frame)).toBe(false);
    for (const { prompt, frame } of [...train, ...heldOut]) expect(prompt.endsWith(frame ?? '?')).toBe(true);
  });
});
