import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  SPECIAL_TOKENS,
  tokenizerConfig,
  tokenizerJson,
} from '../../scripts/build-assets/tokenizer-files.js';
import { BYTE_ALPHABET, splitPieces, trainBpe } from '../../scripts/build-assets/train-bpe.js';
import { createTokenizer, type Tokenizer } from '../../src/data/index.js';

const learn = (text: string, merges: number, specialTokens: readonly string[] = []) =>
  trainBpe([{ text, weight: 1 }], {
    vocabularySize: specialTokens.length + 256 + merges,
    specialTokens,
  });

describe('trainBpe', () => {
  it('should merge the commonest pairs first (the example of Sennrich et al. 2016, section 3.2)', () => {
    const words = { low: 5, lower: 2, newest: 6, widest: 3 };
    const texts = Object.entries(words).map(([text, weight]) => ({ text, weight }));
    const { merges } = trainBpe(texts, { vocabularySize: 256 + 4, specialTokens: [] });
    expect(merges).toContainEqual(['e', 's']);
    expect(merges.map((pair) => pair.join(''))).toEqual(['es', 'est', 'lo', 'low']);
  });

  it('should count a text as often as its weight says', () => {
    const texts = [
      { text: 'ab ab ab', weight: 1 },
      { text: 'xy', weight: 10 },
    ];
    expect(trainBpe(texts, { vocabularySize: 257, specialTokens: [] }).merges).toEqual([['x', 'y']]);
  });

  it('should merge overlapping repeats from the left', () => {
    expect(learn('aaa', 2).merges).toEqual([
      ['a', 'a'],
      ['aa', 'a'],
    ]);
  });

  it('should put special tokens first and all bytes behind them, and stop where no pair is left', () => {
    const { tokens } = learn('ab', 50, ['<s>']);
    expect(tokens).toEqual(['<s>', ...BYTE_ALPHABET, 'ab']);
    expect(new Set(BYTE_ALPHABET).size).toBe(256);
  });

  it('should give the same vocabulary whatever the order of the texts', () => {
    const corpus = fc.array(fc.stringMatching(/^[abc ]{0,12}$/), { maxLength: 6 });
    fc.assert(
      fc.property(corpus, (texts) => {
        const weighted = texts.map((text) => ({ text, weight: 1 }));
        const options = { vocabularySize: 270, specialTokens: [] };
        expect(trainBpe([...weighted].reverse(), options)).toEqual(trainBpe(weighted, options));
      }),
    );
  });

  it('should cut texts into pieces that make up the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(splitPieces(text).join('')).toBe(text);
      }),
    );
  });

  it('should be applied by a Hugging Face tokenizer: common words whole, any text given back', () => {
    const vocabulary = learn('the food was good, the place was good. '.repeat(3), 60, SPECIAL_TOKENS);
    const tokenizer: Tokenizer = createTokenizer(
      JSON.stringify(tokenizerJson(vocabulary)),
      tokenizerConfig(64) as Record<string, unknown>,
    );
    expect(tokenizer.encode(' good')).toHaveLength(1);
    expect(tokenizer).toMatchObject({
      bosId: 0,
      eosId: 1,
      padId: 2,
      vocabularySize: vocabulary.tokens.length,
    });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
      { numRuns: 50 },
    );
  });
});
