import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gzipStable } from '../../scripts/build-assets/gzip-stable.js';
import { selectOpinionWords } from '../../scripts/build-assets/opinion-words.js';
import { packRows, sliceRows } from '../../scripts/build-assets/pack-rows.js';
import { cutFromLeft, withoutClosingMark } from '../../scripts/build-assets/prompts.js';
import { identityOf, normaliseText, type ReviewSentence } from '../../scripts/build-assets/sources.js';
import { HELD_OUT_SPEECHES, splitSources } from '../../scripts/build-assets/split.js';
import { readTar } from '../../scripts/build-assets/tar.js';
import {
  BalancedDraw,
  isMatched,
  logFrequencyRatio,
  type WordPair,
} from '../../scripts/build-assets/word-pairs.js';
import { createRandom } from '../../src/base/index.js';
import type { Tokenizer } from '../../src/data/index.js';

const tarOf = (files: Readonly<Record<string, string>>): Uint8Array =>
  Buffer.concat([
    ...Object.entries(files).flatMap(([path, text]) => {
      const body = Buffer.from(text);
      const header = Buffer.alloc(512);
      header.write(path, 0);
      header.write(body.length.toString(8).padStart(11, '0'), 124);
      header.write('0', 156);
      return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
    }),
    Buffer.alloc(1024),
  ]);

const review = (id: number, polarity: 'positive' | 'negative', text = `sentence ${id}`): ReviewSentence => ({
  id: `yelp-${id}`,
  text,
  polarity,
  collection: 'yelp',
});

describe('readTar', () => {
  it('should give back the files of an archive, and refuse one cut short', () => {
    const files = { 'package/a.txt': 'first', 'package/b/c.txt': 'x'.repeat(700), 'package/empty': '' };
    const archive = tarOf(files);
    const read = [...readTar(archive)].map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)]);
    expect(Object.fromEntries(read)).toEqual(files);
    expect(() => [...readTar(archive.subarray(0, 1600))]).toThrow(/cut short/);
  });
});

describe('splitSources', () => {
  it('should put every sentence on one side, the same for the same seed, in each stratum alike', () => {
    const reviews = Array.from({ length: 200 }, (_, i) => review(i, i % 4 === 0 ? 'positive' : 'negative'));
    const speeches = [...HELD_OUT_SPEECHES, '1999_someone'].map((id) => ({ id, text: id }));
    const sources = {
      reviews,
      speeches,
      lexicon: { positive: new Set<string>(), negative: new Set<string>() },
    };
    const split = splitSources(sources, 'a');
    expect(splitSources(sources, 'a')).toEqual(split);
    expect(splitSources(sources, 'b')).not.toEqual(split);
    expect(split.trainReviews.length + split.heldOutReviews.length).toBe(200);
    expect(split.trainReviews.filter((each) => split.heldOutReviews.includes(each))).toEqual([]);
    expect(split.trainReviews.filter(({ polarity }) => polarity === 'positive')).toHaveLength(28);
    expect(split.trainReviews.filter(({ polarity }) => polarity === 'negative')).toHaveLength(84);
    expect(split.trainSpeeches.map(({ id }) => id)).toEqual(['1999_someone']);
  });
});

describe('selectOpinionWords', () => {
  it('should count only training text, mixed 13 to 3, and ask the lexicon', () => {
    const split = {
      trainReviews: [review(0, 'positive', 'good good bad great')],
      heldOutReviews: [review(1, 'negative', 'awful awful')],
      trainSpeeches: [{ id: 's', text: 'a strong and good nation' }],
      heldOutSpeeches: [],
    };
    const lexicon = { positive: new Set(['good', 'strong', 'awful']), negative: new Set(['bad', 'awful']) };
    const words = new Map(selectOpinionWords(lexicon, split).map((each) => [each.word, each]));
    expect([...words.keys()].sort()).toEqual(['bad', 'good', 'strong']);
    expect(words.get('good')?.frequency).toBeCloseTo(1e6 * ((3 / 16) * (2 / 4) + (13 / 16) * (1 / 5)), 1);
    expect(words.get('strong')).toMatchObject({ polarity: 'positive', wordClass: 'quality', inReviews: 0 });
  });
});

describe('BalancedDraw', () => {
  const word = (frequency: number, polarity: 'positive' | 'negative') =>
    ({ word: `${frequency}`, polarity, wordClass: 'quality', frequency, inReviews: 1 }) as const;
  const pair = (positive: number, negative: number): WordPair => ({
    positive: word(positive, 'positive'),
    negative: word(negative, 'negative'),
  });

  it('should hold the sum of log frequency ratios near nothing even where most pairs lean one way', () => {
    const pairs = [pair(30, 10), pair(30, 12), pair(25, 10), pair(10, 11), pair(10, 30)];
    const draw = new BalancedDraw(() => 1, createRandom(3));
    const drawn = Array.from({ length: 300 }, () => draw.draw(pairs, () => 1));
    expect(Math.abs(drawn.reduce((sum, each) => sum + logFrequencyRatio(each), 0))).toBeLessThan(1);
    expect(new Set(drawn).size).toBe(pairs.length);
  });

  it('should match pairs by frequency and by tokens', () => {
    const tokens = (each: { word: string }): number => each.word.length;
    expect(isMatched(pair(30, 10), tokens)).toBe(true);
    expect(isMatched(pair(50, 10), tokens)).toBe(false);
    expect(isMatched(pair(1000, 999), tokens)).toBe(true);
    expect(isMatched(pair(1000, 99.5), tokens)).toBe(false);
  });

  it('should refuse to draw from nothing', () => {
    expect(() => new BalancedDraw(() => 1, createRandom(1)).draw([], () => 1)).toThrow(/no pair/);
  });
});

describe('prompts', () => {
  const wordTokenizer = {
    encode: (text: string) => new Int32Array(text.split(' ').length * 3),
  } as unknown as Tokenizer;

  it('should drop closing marks and nothing else', () => {
    expect(withoutClosingMark('Not good!!! ')).toBe('Not good');
    expect(withoutClosingMark('He said "no".')).toBe('He said "no');
    expect(withoutClosingMark('5 stars :-)')).toBe('5 stars');
  });

  it('should cut words from the left until few enough words and tokens are left', () => {
    const sentence = Array.from({ length: 30 }, (_, i) => `w${i}`).join(' ');
    const cut = cutFromLeft(sentence, '. It was', wordTokenizer);
    expect(cut).toBe('w19 w20 w21 w22 w23 w24 w25 w26 w27 w28 w29. It was');
    expect(wordTokenizer.encode(cut).length).toBeLessThanOrEqual(40);
    expect(cutFromLeft('short one', ' was', wordTokenizer)).toBe('short one was');
  });

  it('should normalise once and for all, and tell texts apart by their words alone', () => {
    expect(normaliseText('It’s\u0085 “so”  good \u0096 really')).toBe(`It's... "so" good - really`);
    expect(identityOf('Great food!')).toBe(identityOf('great   FOOD'));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(normaliseText(normaliseText(text))).toBe(normaliseText(text));
      }),
    );
  });
});

describe('gzipStable', () => {
  it('should give the text back, and have neither time, name nor system of its own in the header', () => {
    const text = 'one line\nanother\n'.repeat(100);
    const bytes = gzipStable(text);
    expect(gunzipSync(bytes).toString()).toBe(text);
    // Magic, deflate, no flags (so no name), no time, best compression, Unix: RFC 1952, section 2.3.
    expect(Array.from(bytes.subarray(0, 10))).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);
  });
});

describe('rows of the corpus', () => {
  const arrays = (rows: Iterable<Int32Array>): number[][] => Array.from(rows, (row) => Array.from(row));

  it('should cut a stream into rows that overlap by the token both predicted and read', () => {
    expect(arrays(sliceRows([0, 1, 2, 3, 4, 5, 6, 7], 3))).toEqual([
      [0, 1, 2, 3],
      [3, 4, 5, 6],
    ]);
  });

  it('should begin every packed row with a document, again whole where the row before cut it', () => {
    const documents = [[1, 1], [2, 2, 2], [3], [4, 4], [5, 5, 5, 5, 5, 5, 5], [6, 6, 6]];
    expect(arrays(packRows(documents, 3))).toEqual([
      [1, 1, 2, 2],
      [2, 2, 2, 3],
      [4, 4, 5, 5],
      [5, 5, 5, 5],
    ]);
  });

  it('should pack any documents into full rows that start with a document', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 6 }), (all, context) => {
        const documents = all.map((length, i) => Array.from({ length }, (_, t) => i * 10 + t));
        for (const row of packRows(documents, context)) {
          expect(row).toHaveLength(context + 1);
          expect((row[0] ?? -1) % 10).toBe(0);
        }
      }),
    );
  });
});
