import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assetsFolder,
  encodePreference,
  encodePreferences,
  loadTokenizer,
  type PreferenceTuple,
  readPreferenceFile,
} from '../../src/data/index.js';
import { isPresent, sharedPath } from './fixtures.js';

const tokenizer = await loadTokenizer(join(assetsFolder(), 'model'));

const words = (count: number): string => ' food'.repeat(count);

describe('encodePreferences', () => {
  it('should cut prompts from the left, leave out what has no room, and count both', () => {
    const one = tokenizer.encode(words(1)).length;
    const lengths = fc.record({
      prompt: fc.integer({ min: 1, max: 12 }),
      chosen: fc.integer({ min: 1, max: 12 }),
      rejected: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(fc.array(lengths, { minLength: 1, maxLength: 6 }), (drawn) => {
        const maxLength = 10 * one;
        // Room for one token of the prompt beside BOS and the longer completion.
        const fits = ({ chosen, rejected }: (typeof drawn)[number]): boolean =>
          1 + 1 + Math.max(chosen, rejected) * one <= maxLength;
        fc.pre(drawn.some(fits));
        const tuples = drawn.map(
          ({ prompt, chosen, rejected }, index): PreferenceTuple => ({
            id: `${index}`,
            source: `${index}`,
            prompt: words(prompt),
            chosen: words(chosen),
            rejected: words(rejected),
          }),
        );
        const { encoded, report } = encodePreferences(tokenizer, tuples, { maxLength });
        const kept = drawn.filter(fits);
        const cut = kept.filter(
          ({ prompt, chosen, rejected }) => 1 + (prompt + Math.max(chosen, rejected)) * one > maxLength,
        );
        expect(report).toEqual({
          maxLength,
          kept: kept.length,
          truncated: cut.length,
          tooLong: drawn.length - kept.length,
          firstTooLong:
            tuples.find((_, index) => !fits(drawn[index] ?? { prompt: 0, chosen: 0, rejected: 0 }))?.id ??
            null,
        });
        expect(encoded).toEqual(
          tuples
            .filter((_, index) => kept.includes(drawn[index] ?? { prompt: 0, chosen: 0, rejected: 0 }))
            .map((tuple) => encodePreference(tokenizer, tuple, { maxLength })),
        );
      }),
    );
  });

  it('should refuse a limit that nothing fits in, and give nothing for nothing', () => {
    const tuple = { id: 'x', source: 'x', prompt: 'a', chosen: words(9), rejected: words(2) };
    expect(() => encodePreferences(tokenizer, [tuple], { maxLength: 3 })).toThrow(/no preference fits in 3/);
    expect(encodePreferences(tokenizer, [], { maxLength: 3 }).encoded).toEqual([]);
  });

  it('should look no further than the number wanted', () => {
    const fits = { source: 'x', prompt: 'a', chosen: words(1), rejected: words(2) };
    const tuples = ['a', 'b', 'c'].map((id) => ({ id, ...fits }));
    // The fourth cannot be encoded at all.
    const broken = { id: 'd', ...fits, chosen: '' };
    const { encoded, report } = encodePreferences(tokenizer, [...tuples, broken], { maxLength: 9, limit: 2 });
    expect(encoded.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(report).toMatchObject({ kept: 2, tooLong: 0 });
  });

  const part = 'realdata/hh/harmless-base-test-part.jsonl.gz';
  const reason = isPresent(part) ? '' : ` (skipped: no ../shared/${part})`;

  it.skipIf(!isPresent(part))(
    `should account for every real record, none longer than the limit${reason}`,
    async () => {
      const { tuples } = await readPreferenceFile(sharedPath(part));
      const some = tuples.slice(0, 200);
      const { encoded, report } = encodePreferences(tokenizer, some, { maxLength: 128 });
      expect(report.kept + report.tooLong).toBe(some.length);
      expect(report.kept).toBe(encoded.length);
      expect(report.truncated).toBeGreaterThan(0);
      expect(report.tooLong).toBeGreaterThan(0);
      const lengths = encoded.map(
        ({ prompt, chosen, rejected }) => prompt.length + Math.max(chosen.length, rejected.length),
      );
      expect(Math.max(...lengths)).toBe(128);
      expect(encoded.every(({ truncated }, index) => !truncated || lengths[index] === 128)).toBe(true);
    },
  );
});
