import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import {
  apportion,
  assetsFolder,
  attributes,
  encodePreference,
  loadShippedPreferences,
  loadTokenizer,
  type MixturePart,
  mixPreferences,
  type PreferenceTuple,
} from '../../src/data/index.js';

const tokenizer = await loadTokenizer(join(assetsFolder(), 'model'));
const shipped = await loadShippedPreferences('many-frames');
const cloze = await loadShippedPreferences('cloze');

const made = (count: number, prefix: string): PreferenceTuple[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${prefix}${i}`,
    prompt: `${prefix} ${i} was`,
    chosen: ' good',
    rejected: ' bad',
    source: `${prefix}${i}`,
  }));

const sourcesIn = (tuples: readonly PreferenceTuple[], name: string): Set<string> =>
  new Set(tuples.filter(({ population }) => population === name).map(({ source }) => source));

const counts = (tuples: readonly PreferenceTuple[], parts: readonly { name: string }[]): number[] =>
  parts.map(({ name }) => sourcesIn(tuples, name).size);

const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const partsOf = (tuples: readonly PreferenceTuple[], all: readonly number[]): MixturePart[] =>
  all.map((weight, k) => ({ name: `part${k}`, tuples, weight }));

describe('mixPreferences', () => {
  it('should share out the sources of one set exactly, each to one part, in the order of the set', () => {
    fc.assert(
      fc.property(weights, fc.integer(), (all, seed) => {
        const parts = partsOf(shipped.train, all);
        const mixed = mixPreferences(parts, { seed });
        expect(counts(mixed, parts)).toEqual(apportion(shipped.train.length, all));
        expect(mixed.map(({ source }) => source)).toEqual(shipped.train.map(({ source }) => source));
        expect(mixed.map(({ id }) => id)).toEqual(
          shipped.train.map(({ id }, i) => `${mixed[i]?.population}/${id}`),
        );
        expect(new Set(mixed.map(({ id }) => id)).size).toBe(mixed.length);
      }),
      { numRuns: 30 },
    );
  });

  it('should share out sets that overlap exactly, as many sources as can be, none of them twice', () => {
    const lists = fc.array(fc.uniqueArray(fc.nat(11), { minLength: 4 }), { minLength: 2, maxLength: 3 });
    fc.assert(
      fc.property(
        lists,
        fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 3, maxLength: 3 }),
        (all, some) => {
          const pool = made(12, 'doc');
          const parts = all.map((list, k) => ({
            name: `part${k}`,
            weight: some[k] ?? 1,
            tuples: list.flatMap((i) => pool[i] ?? []),
          }));
          const shares = parts.map(({ weight }) => weight);
          /** Hall's condition: any parts together need no more sources than they have together. */
          const feasible = (total: number): boolean =>
            Array.from({ length: 2 ** parts.length }, (_, mask) => {
              const members = parts.filter((_p, k) => mask & (1 << k));
              const have = new Set(members.flatMap(({ tuples }) => tuples.map(({ source }) => source))).size;
              const needed = apportion(total, shares).filter((_n, k) => mask & (1 << k));
              return needed.reduce((a, b) => a + b, 0) <= have;
            }).every(Boolean);
          const most =
            Array.from({ length: 13 }, (_, total) => total)
              .filter(feasible)
              .at(-1) ?? 0;
          const expected = apportion(most, shares);
          fc.pre(!expected.includes(0));
          const mixed = mixPreferences(parts);
          expect(counts(mixed, parts)).toEqual(expected);
          expect(new Set(mixed.map(({ source }) => source)).size).toBe(most);
          for (const { name, tuples } of parts) {
            const own = new Set(tuples.map(({ source }) => source));
            for (const source of sourcesIn(mixed, name)) expect(own.has(source)).toBe(true);
          }
        },
      ),
    );
  });

  it('should keep all tuples of a source together, and shares of sources rather than of tuples', () => {
    const tuples = made(60, 'doc').flatMap((each, i) =>
      Array.from({ length: 1 + (i % 4) }, (_, k) => ({ ...each, id: `${each.id}-${k}` })),
    );
    const parts = partsOf(tuples, [2, 1]);
    const mixed = mixPreferences(parts);
    expect(counts(mixed, parts)).toEqual([40, 20]);
    expect(mixed).toHaveLength(tuples.length);
  });

  it('should compose the start of a mixture as the whole, and balance labels of sentences between its parts', () => {
    for (const all of [
      [1, 1],
      [4, 1],
      [1, 1, 1],
      [1, 1, 1, 1, 1],
    ]) {
      const parts = partsOf(shipped.heldOut, all);
      const mixed = mixPreferences(parts, { seed: 'any' });
      for (const start of [128, 320, 768]) {
        const found = counts(mixed.slice(0, start), parts);
        for (const [k, count] of apportion(start, all).entries()) {
          expect(Math.abs((found[k] ?? 0) - count)).toBeLessThanOrEqual(1);
        }
      }
      for (const { name } of parts) {
        const own = mixed.filter(({ population }) => population === name);
        const positive = own.filter(({ polarity }) => polarity === 'positive').length;
        // One a block of 64 at most.
        expect(Math.abs(positive - own.length / 2)).toBeLessThanOrEqual(768 / 64);
      }
    }
  });

  it('should let sets of unlike lengths run side by side', () => {
    const parts = [
      { name: 'long', tuples: made(400, 'a'), weight: 1 },
      { name: 'short', tuples: made(40, 'b'), weight: 1 },
    ];
    const mixed = mixPreferences(parts);
    // All 40 of the short one, and as many of the long one as an equal share of 81 lets it have.
    expect(counts(mixed, parts)).toEqual([41, 40]);
    const [long = 0, short = 0] = counts(mixed.slice(0, 40), parts);
    expect(Math.abs(long - short)).toBeLessThanOrEqual(8);
  });

  it('should flip the labels of the parts that say so, and of no other', () => {
    const sides = (labels: 'given' | 'flipped') =>
      mixPreferences([
        { name: 'fan', tuples: shipped.train, attribute: 'formality', cue: 'Fan:' },
        { name: 'critic', tuples: shipped.train, attribute: 'formality', cue: 'Critic:', labels },
      ]);
    const given = sides('given');
    for (const [i, tuple] of sides('flipped').entries()) {
      const { chosen, rejected, ...rest } = given[i] as PreferenceTuple;
      expect(tuple).toEqual(
        tuple.population === 'fan'
          ? { ...rest, chosen, rejected }
          : { ...rest, chosen: rejected, rejected: chosen },
      );
    }
  });

  it('should be the same for the same seed, and share out otherwise for another', () => {
    const mix = (seed: number) => mixPreferences(partsOf(shipped.train, [1, 1]), { seed });
    expect(mix(1)).toEqual(mix(1));
    const other = mix(2);
    const same = mix(1).filter(({ population }, i) => population === other[i]?.population).length;
    // Half of 640, within four standard deviations.
    expect(Math.abs(same - 320)).toBeLessThan(4 * Math.sqrt(160));
  });

  it('should keep each attribute as balanced between positive and negative words as in the whole', () => {
    const parts = attributes.map((attribute) => ({ name: attribute, tuples: shipped.train, attribute }));
    const original = new Map(shipped.train.map((each) => [each.source, each]));
    const mixed = mixPreferences(parts);
    for (const name of attributes.slice(1)) {
      const own = mixed.filter(({ population }) => population === name);
      expect(own).toHaveLength(128);
      const positive = own.filter(({ chosen, source }) =>
        chosen.toLowerCase().endsWith(original.get(source)?.chosen ?? '?'),
      );
      expect(Math.abs(positive.length - 64)).toBeLessThanOrEqual(1);
    }
  });

  it('should refuse names, weights and cues that cannot be, and parts left without a source', () => {
    const tuples = made(10, 'doc');
    const faulty: [MixturePart[], RegExp][] = [
      [[], /at least one part/],
      [[{ name: '', tuples }], /the name ""/],
      [
        [
          { name: 'a', tuples },
          { name: 'a', tuples },
        ],
        /the name "a" of part 2/,
      ],
      [[{ name: 'a', tuples, weight: 0 }], /the weight of part a is 0/],
      [[{ name: 'a', tuples, weight: -1 }], /the weight/],
      [[{ name: 'a', tuples, weight: Number.NaN }], /the weight/],
      [[{ name: 'a', tuples, cue: ' ' }], /the cue of part a is empty/],
      [
        [
          { name: 'a', tuples, weight: 1000 },
          { name: 'b', tuples },
        ],
        /part b .* gets no source/,
      ],
      [
        [
          { name: 'a', tuples },
          { name: 'b', tuples: [] },
        ],
        /gets no source/,
      ],
    ];
    for (const [parts, message] of faulty) {
      expect(() => mixPreferences(parts)).toThrow(InputError);
      expect(() => mixPreferences(parts)).toThrow(message);
    }
  });
});

describe('the cue of a mixture', () => {
  const cues = ['Fan:', 'Critic:', 'Friend:', '  Rival: ', 'says the guest', '>>', 'Ünlü –'];

  const some = cloze.train.slice(0, 120);
  const cued = (cue: string) => mixPreferences([{ name: 'only', tuples: some, cue }]);

  it.each(cues)('should lead every prompt of its part, in text and in ids: "%s"', (cue) => {
    for (const [i, tuple] of cued(cue).entries()) {
      expect(tuple.prompt).toBe(`${cue.trim()} ${some[i]?.prompt}`);
      const { prompt, truncated } = encodePreference(tokenizer, tuple, { maxLength: 64 });
      expect(truncated).toBe(false);
      expect(tokenizer.decode(prompt.slice(1)).startsWith(cue.trim())).toBe(true);
    }
  });

  it.each(cues)('should outlive the cutting of a prompt too long: "%s"', (cue) => {
    let cut = 0;
    for (const tuple of cued(cue)) {
      const whole = encodePreference(tokenizer, tuple, { maxLength: 64 });
      const longest = Math.max(whole.chosen.length, whole.rejected.length);
      const { prompt, truncated } = encodePreference(tokenizer, tuple, { maxLength: 24 });
      expect(prompt[0]).toBe(tokenizer.bosId);
      expect(tokenizer.decode(prompt.slice(1)).startsWith(cue.trim())).toBe(true);
      expect(prompt.length).toBe(Math.min(whole.prompt.length, 24 - longest));
      // The last token is where a hidden state is read.
      expect(prompt.at(-1)).toBe(whole.prompt.at(-1));
      if (truncated) cut++;
    }
    expect(cut).toBeGreaterThan(20);
  });

  it('should survive as a whole where its last token reaches into the prompt', () => {
    const tuple: PreferenceTuple = {
      id: 'seam',
      source: 's',
      prompt: `Good food ${'and more '.repeat(30)}was`,
      chosen: ' good',
      rejected: ' bad',
      cue: 'Good fo',
    };
    const { prompt } = encodePreference(tokenizer, tuple, { maxLength: 20 });
    expect(prompt).toHaveLength(19);
    expect(tokenizer.decode(prompt.slice(1))).toMatch(/^Good fo.* was$/);
  });

  it('should be refused where it leaves no room for the prompt', () => {
    const [tuple] = cued('a cue of many words that says nothing');
    expect(() => encodePreference(tokenizer, tuple as PreferenceTuple, { maxLength: 12 })).toThrow(
      /leaves no room/,
    );
  });
});
