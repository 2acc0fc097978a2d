import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import {
  bleuOfStatistics,
  bleuStatistics,
  corpusBleu,
  sentenceBleu,
  sumBleuStatistics,
  tokenize13a,
} from '../../src/behaviour/index.js';

const word = fc.constantFrom('the', 'dog', 'bit', 'a', 'man', 'cat', 'sat', 'mat', 'not');
const sentence = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));

describe("sacreBLEU's own numbers", () => {
  // test/test_bleu.py of mjpost/sacrebleu at 2ae13669 (tolerance there: 1e-8).
  const hypotheses = ['The dog bit the man.', "It wasn't surprising.", 'The man had just bitten him.'];
  const references = [
    ['The dog bit the man.', 'The dog had bit the man.'],
    ['It was not unexpected.', 'No one was surprised.'],
    ['The man bit him first.', 'The man had bitten the dog.'],
  ];
  it('of the corpus of its README', () => {
    expect(corpusBleu(hypotheses, references).score).toBeCloseTo(48.530827, 6);
    expect(corpusBleu(hypotheses, references, { smoothing: 'none' }).score).toBeCloseTo(48.530827, 6);
    expect(corpusBleu(['', '', ''], references).score).toBe(0);
  });

  it('of counts without texts', () => {
    const counts = { matches: [9, 7, 5, 3], totals: [10, 8, 6, 4], candidateLength: 11, referenceLength: 11 };
    expect(bleuOfStatistics(counts, { smoothing: 'none' }).score).toBeCloseTo(83.75922397, 7);
    const none = { matches: [0, 0, 0, 0], totals: [4, 4, 2, 1], candidateLength: 0, referenceLength: 1 };
    expect(bleuOfStatistics(none).score).toBe(0);
  });

  it('of single sentences, over the orders that they are long enough for', () => {
    // The same file's test_effective_order (× 100): orders without a match do not occur in the first two.
    expect(sentenceBleu('test', ['a test']).score).toBeCloseTo(36.78794411714425, 8);
    expect(sentenceBleu('a test', ['a test']).score).toBeCloseTo(100, 8);
    expect(sentenceBleu('this is a test', ['this is a test']).score).toBeCloseTo(100, 8);
    // test/test_sentence_bleu.py at 27bec349 (tolerance there: 1e-3).
    const reference = 'producţia de zahăr brut se exprimă în zahăr alb;';
    const candidate = 'Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;';
    expect(Math.abs(sentenceBleu(candidate, [reference]).score - 8.493)).toBeLessThan(1e-3);
    expect(sentenceBleu(candidate, [reference], { smoothing: 'none' }).score).toBe(0);
    expect(sentenceBleu('this is a cat', ['okay thanks']).score).toBe(0);
  });

  it('of clipped matches', () => {
    // test_case_statistics of test_bleu.py.
    const { matches, totals } = bleuStatistics('am I am a character sequence', [
      'I am a symbol string sequence a a',
    ]);
    expect(matches).toEqual([4, 2, 1, 0]);
    expect(totals).toEqual([6, 5, 4, 3]);
  });
});

describe('13a tokens', () => {
  it('part punctuation from words, but not from inside numbers', () => {
    // By the rules of mteval-v13a.pl.
    expect(tokenize13a("It wasn't 3.14, was it? (No!)")).toEqual(
      "It wasn't 3.14 , was it ? ( No ! )".split(' '),
    );
    expect(tokenize13a('In 1990-95 &quot;A&amp;B&quot; cost 1,000.')).toEqual(
      'In 1990 - 95 " A & B " cost 1,000 .'.split(' '),
    );
    expect(tokenize13a('well-\nknown\nthing <skipped>')).toEqual(['wellknown', 'thing']);
    expect(tokenize13a('  ')).toEqual([]);
  });
});

describe('BLEU', () => {
  it('is 100 of a text against itself, and 0 of texts without a word in common', () => {
    fc.assert(
      fc.property(fc.array(sentence, { minLength: 1, maxLength: 5 }), (texts) => {
        const own = texts.map((text) => [text]);
        expect(corpusBleu(texts, own, { effectiveOrder: true }).score).toBeCloseTo(100, 8);
        expect(
          corpusBleu(
            texts,
            texts.map(() => ['quite other words']),
          ).score,
        ).toBe(0);
      }),
    );
  });

  it('stays in [0, 100] and does not depend on the order of the segments', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(sentence, sentence), { minLength: 1, maxLength: 6 }), (pairs) => {
        const score = (some: typeof pairs) =>
          corpusBleu(
            some.map(([candidate]) => candidate),
            some.map(([, reference]) => [reference]),
          ).score;
        expect(score(pairs)).toBeGreaterThanOrEqual(0);
        expect(score(pairs)).toBeLessThanOrEqual(100 + 1e-9);
        expect(score([...pairs].reverse())).toBeCloseTo(score(pairs), 9);
      }),
    );
  });

  it('punishes brevity below the length of the reference only', () => {
    fc.assert(
      fc.property(sentence, sentence, (candidate, reference) => {
        const {
          brevityPenalty,
          candidateLength: c,
          referenceLength: r,
        } = sentenceBleu(candidate, [reference]);
        if (c < r) expect(brevityPenalty).toBeCloseTo(Math.exp(1 - r / c), 12);
        else expect(brevityPenalty).toBe(1);
      }),
    );
  });

  it('of a corpus under whole weights is that of the corpus with texts repeated', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(sentence, sentence, fc.integer({ min: 0, max: 3 })), {
          minLength: 1,
          maxLength: 5,
        }),
        (rows) => {
          const statistics = rows.map(([candidate, reference]) => bleuStatistics(candidate, [reference]));
          const weights = rows.map(([, , weight]) => weight);
          const repeated = statistics.flatMap((own, i) => new Array(weights[i] ?? 0).fill(own));
          expect(sumBleuStatistics(statistics, weights)).toEqual(sumBleuStatistics(repeated));
        },
      ),
    );
  });

  it('takes the best of several references, and the length of the nearest', () => {
    const score = sentenceBleu('the dog bit a man', ['the cat sat', 'the dog bit a man here now']);
    expect(score.matches[0]).toBe(5);
    // A word of both references counts as often as it occurs in one of them.
    expect(sentenceBleu('the the', ['the cat', 'the dog']).matches[0]).toBe(1);
    expect(score.referenceLength).toBe(3);
  });

  it('says what is missing', () => {
    expect(() => corpusBleu(['a'], [])).toThrow(UsageError);
    expect(() => corpusBleu([], [])).toThrow(UsageError);
    expect(() => sentenceBleu('a', [])).toThrow('at least one reference');
  });
});
