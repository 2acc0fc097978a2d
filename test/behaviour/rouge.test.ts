import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { meanRouge, rouge, tokenizeForRouge } from '../../src/behaviour/index.js';

const word = fc.constantFrom('the', 'dog', 'bit', 'a', 'man', 'cat', 'sat', 'mat', 'not');
const sentence = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));

/** rouge/testdata/target.txt and prediction.txt of google-research/google-research at 10bf941a. */
const targets = [
  "ZfbCUIUuePaiLVUlCaUXxkpu XPeWing tUHfPMuZ',-Xd Y BrUgVJing M-HV.-DgdDaY.rFDJCRing Ht-LM EKBDXkME,yz'RBr q'wtion wIojNbN wL,b .a-'XdQggyFl jB-RPP'iyOIcUxer tKM L",
  "KsJdPByEtAor fE-Qg Dpdbring cw-WeFyu vC MoBL Xdn g wkvcEiGvKtion BDFhrpMtion psing sbKao Q m qiing LMmer HqqLFXe,XPY,J XsurkMer ,ed nB'wH'bWVHjWFEing tQ.saefZwJtKrTlixYpMMsJing UCAPwNHeYVjDing c T BUySKtion gMPfJpwGw p'NvxAoping eu pBwMBKV'I DNxqelhu,PHPxDEq,mtion SN",
];
const predictions = [
  "rFDJCRtion Ht-LM EKtDXkME,yz'RBr q'wer wrojNbN wL,b .a-'XdQggyFl jB-RPP'iyOIcUxi",
  "n cw-WeFyu vC MoBL Xdn g wkvcEiGvKtion BDFhrpMer pstion sbKao Q m qier LMmed HqqLFXe,XPY,J XsurkMeo ,ed nB'wH'bWVHjWFEer tQ.saefZwJtKrTlixYpMMNJtion UCAPwNHeYVjD",
];
const ofPair = (index: number, useStemmer = false) =>
  rouge(predictions[index] ?? '', targets[index] ?? '', { useStemmer });

describe("rouge-score's own numbers", () => {
  // rouge/rouge_scorer_test.py at 066e6a12: "ground truth scores are taken from manual runs of ROUGE-1.5.5", five digits.
  it.each([
    ['rouge1', 0, 0.6875, 0.40741, 0.51163],
    ['rouge1', 1, 0.65385, 0.40476, 0.5],
    ['rouge2', 0, 0.53333, 0.30769, 0.39024],
    ['rouge2', 1, 0.48, 0.29268, 0.36364],
    ['rougeL', 0, 0.6875, 0.40741, 0.51163],
    ['rougeL', 1, 0.65385, 0.40476, 0.5],
  ] as const)('%s of pair %i', (kind, index, precision, recall, f) => {
    const score = ofPair(index)[kind];
    expect(score.precision).toBeCloseTo(precision, 5);
    expect(score.recall).toBeCloseTo(recall, 5);
    expect(score.f).toBeCloseTo(f, 5);
  });

  it.each([
    ['rouge1', 0, 0.6875, 0.40741, 0.51163],
    ['rouge1', 1, 0.69231, 0.42857, 0.52941],
    ['rouge2', 0, 0.53333, 0.30769, 0.39024],
    ['rouge2', 1, 0.48, 0.29268, 0.36364],
  ] as const)('%s of pair %i, stemmed', (kind, index, precision, recall, f) => {
    const score = ofPair(index, true)[kind];
    expect(score.precision).toBeCloseTo(precision, 5);
    expect(score.recall).toBeCloseTo(recall, 5);
    expect(score.f).toBeCloseTo(f, 5);
  });

  it('of words in and out of order', () => {
    const target = 'testing one two';
    expect(rouge('testing', target).rouge1).toEqual({ precision: 1, recall: 1 / 3, f: 1 / 2 });
    expect(rouge('testing one', target).rouge2).toEqual({ precision: 1, recall: 1 / 2, f: 2 / 3 });
    expect(rouge('testing one', target).rougeL.f).toBeCloseTo(4 / 5, 12);
    expect(rouge('testing two', target).rougeL.f).toBeCloseTo(4 / 5, 12);
    const zero = { precision: 0, recall: 0, f: 0 };
    expect(rouge('', target)).toEqual({ rouge1: zero, rouge2: zero, rougeL: zero });
    expect(rouge('/', target).rougeL).toEqual(zero);
  });
});

describe('ROUGE', () => {
  it('keeps lower-case letters and digits alone', () => {
    expect(tokenizeForRouge("Don't pay £3.50, naïve one")).toEqual([
      'don',
      't',
      'pay',
      '3',
      '50',
      'na',
      've',
      'one',
    ]);
    expect(tokenizeForRouge('running does it', { useStemmer: true })).toEqual(['run', 'doe', 'it']);
  });

  it('is 1 of a text against itself and 0 of texts without a word in common', () => {
    fc.assert(
      fc.property(sentence, (text) => {
        expect(rouge(text, text).rouge1.f).toBe(1);
        expect(rouge(text, text).rougeL.f).toBe(1);
        const other = rouge(text, 'quite other words');
        expect([other.rouge1.f, other.rouge2.f, other.rougeL.f]).toEqual([0, 0, 0]);
      }),
    );
  });

  it('has the same F with candidate and reference swapped, as precision and recall trade places', () => {
    fc.assert(
      fc.property(sentence, sentence, (a, b) => {
        const [forth, back] = [rouge(a, b), rouge(b, a)];
        for (const kind of ['rouge1', 'rouge2', 'rougeL'] as const) {
          expect(back[kind].f).toBeCloseTo(forth[kind].f, 12);
          expect(back[kind].precision).toBe(forth[kind].recall);
        }
      }),
    );
  });

  it('finds no longer common subsequence than there are common words', () => {
    fc.assert(
      fc.property(sentence, sentence, (a, b) => {
        const { rouge1, rougeL } = rouge(a, b);
        expect(rougeL.f).toBeLessThanOrEqual(rouge1.f + 1e-12);
      }),
    );
  });

  it('of a corpus is the mean over its texts', () => {
    expect(meanRouge(['one two', 'three'], ['one two', 'four']).rouge1).toBe(0.5);
    expect(() => meanRouge(['one'], [])).toThrow(UsageError);
  });
});
