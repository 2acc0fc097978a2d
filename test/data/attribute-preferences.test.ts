import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import {
  type Attribute,
  assetsFolder,
  attributePreferences,
  attributes,
  encodePreference,
  isAttribute,
  loadShippedPreferences,
  loadTokenizer,
  PREFERENCE_REGIMES,
  type PreferenceTuple,
  readJsonLines,
} from '../../src/data/index.js';

const tokenizer = await loadTokenizer(join(assetsFolder(), 'model'));
const halves: [string, PreferenceTuple[]][] = [];
for (const regime of PREFERENCE_REGIMES) {
  const { train, heldOut } = await loadShippedPreferences(regime);
  halves.push([`${regime} train`, train], [`${regime} held-out`, heldOut]);
}
const opinionWords = new Set<string>();
for await (const { value } of readJsonLines(join(assetsFolder(), 'preferences', 'opinion-words.jsonl'))) {
  opinionWords.add((value as { word: string }).word);
}

/** What a completion says apart from the axis: equal on both sides of a pair, and a shipped word. */
const apartFrom: Record<Exclude<Attribute, 'sentiment'>, (completion: string) => string> = {
  brevity: (completion) => completion.replace(/^( just| still| also)?( just| as)?(?= )/, ''),
  punctuation: (completion) => completion.replace(/^(\.\.\.|:)/, ''),
  casing: (completion) => completion.toLowerCase(),
  formality: (completion) => ` ${completion.split(' ').at(-1)}`,
};
const axes = Object.keys(apartFrom) as Exclude<Attribute, 'sentiment'>[];

const meanLength = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0) / texts.length;

describe('attributePreferences', () => {
  it('should know its attributes by name', () => {
    expect(attributes.filter(isAttribute)).toEqual([...attributes]);
    expect(isAttribute('toString')).toBe(false);
  });

  it('should leave the shipped preferences as they are for sentiment', () => {
    for (const [, tuples] of halves) expect(attributePreferences(tuples, 'sentiment')).toEqual(tuples);
  });

  describe.each(axes)('%s', (axis) => {
    it.each(halves)('should change completions only, and these along the axis only: %s', (_, tuples) => {
      const varied = attributePreferences(tuples, axis);
      expect(varied.map(({ chosen: _c, rejected: _r, ...rest }) => rest)).toEqual(
        tuples.map(({ chosen: _c, rejected: _r, ...rest }) => rest),
      );
      const odd = varied.filter(({ chosen, rejected }, i) => {
        const word = apartFrom[axis](chosen);
        const shippedWords = [tuples[i]?.chosen, tuples[i]?.rejected];
        return chosen === rejected || apartFrom[axis](rejected) !== word || !shippedWords.includes(word);
      });
      expect(odd).toEqual([]);
    });

    it.each(
      halves,
    )('should take as many positive words as negative ones, whatever the label of the sentence and from the start on: %s', (_, tuples) => {
      const positives = attributePreferences(tuples, axis).map(
        ({ chosen }, i) => apartFrom[axis](chosen) === tuples[i]?.chosen,
      );
      for (const label of ['positive', 'negative']) {
        let lead = 0;
        const leads = positives
          .filter((_positive, i) => tuples[i]?.polarity === label)
          .map((positive) => {
            lead += positive ? 1 : -1;
            return Math.abs(lead);
          });
        expect(Math.max(...leads)).toBe(1);
      }
    });

    it.each(
      halves,
    )('should differ from the first token on, and fit the context of 64 tokens: %s', (_, tuples) => {
      for (const tuple of attributePreferences(tuples, axis).filter((_tuple, i) => i % 10 === 0)) {
        const { chosen, rejected, truncated } = encodePreference(tokenizer, tuple, { maxLength: 64 });
        expect(chosen[0], tuple.rejected).not.toBe(rejected[0]);
        expect(truncated).toBe(false);
      }
    });

    it('should give the same for the same tuples', () => {
      for (const [, tuples] of halves) {
        expect(attributePreferences(tuples, axis)).toEqual(attributePreferences(tuples, axis));
      }
    });
  });

  it('should match lengths in tokens where length is not the axis, as far as the tokenizer lets it', () => {
    for (const [, tuples] of halves) {
      const gap = (axis: Attribute): number => {
        const varied = attributePreferences(tuples, axis);
        return (
          meanLength(varied.map((each) => each.rejected)) - meanLength(varied.map((each) => each.chosen))
        );
      };
      expect(gap('punctuation')).toBe(0);
      expect(gap('formality')).toBe(0);
      // Capitals are rare in the tokenizer's merges.
      expect(gap('casing')).toBeLessThan(1.5);
      expect(gap('brevity')).toBeGreaterThan(1);
    }
  });

  it('should not put opinion words around a word', () => {
    for (const axis of ['brevity', 'formality'] as const) {
      const said = halves.flatMap(([, tuples]) =>
        attributePreferences(tuples, axis).flatMap(({ chosen, rejected }) =>
          [chosen, rejected].flatMap((completion) => completion.trim().split(' ').slice(0, -1)),
        ),
      );
      expect(new Set(said).size).toBeGreaterThan(3);
      expect([...new Set(said)].filter((word) => opinionWords.has(word))).toEqual([]);
    }
  });

  it('should refuse completions that are no single word', () => {
    const tuple = { id: 'mine', prompt: 'It was', chosen: ' good', rejected: ' not so good', source: 's' };
    expect(() => attributePreferences([tuple], 'casing')).toThrow(InputError);
    expect(() => attributePreferences([tuple], 'casing')).toThrow(/mine: " not so good"/);
    expect(() => attributePreferences([{ ...tuple, rejected: ' BAD' }], 'casing')).toThrow(InputError);
  });
});
