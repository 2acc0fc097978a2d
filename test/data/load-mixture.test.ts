import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import {
  apportion,
  attributePreferences,
  loadMixture,
  loadShippedPreferences,
  type MixturePartSpec,
  type PreferenceTuple,
} from '../../src/data/index.js';
import { withFile } from './fixtures.js';

const shipped = await loadShippedPreferences('many-frames');
const noFile = { resolveFile: (name: string) => join('/nowhere', name) };
const regime = 'many-frames';

const sources = (tuples: readonly PreferenceTuple[], name?: string): string[] => [
  ...new Set(
    tuples.filter(({ population }) => (name ?? population) === population).map(({ source }) => source),
  ),
];

const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const file = (count: number, prefix = 'doc'): string =>
  lines(
    Array.from({ length: count }, (_, i) => ({
      prompt: `Text ${i} was`,
      chosen: ' long',
      rejected: ' Short',
      source: `${prefix}${i}`,
    })),
  );

describe('loadMixture', () => {
  it('should be the shipped preferences, named, where there is one part', async () => {
    const { train, heldOut } = await loadMixture([{ name: 'all', preferences: regime }], noFile);
    const named = (tuples: readonly PreferenceTuple[]) =>
      tuples.map((each) => ({ ...each, id: `all/${each.id}`, population: 'all' }));
    expect(train).toEqual(named(shipped.train));
    expect(heldOut).toEqual(named(shipped.heldOut));
    const [casing] = await Promise.all([
      loadMixture([{ name: 'all', preferences: regime, attribute: 'casing' }], noFile),
    ]);
    expect(casing.heldOut).toEqual(named(attributePreferences(shipped.heldOut, 'casing')));
  });

  it.each([2, 3, 5])('should compose both halves alike: %i parts', async (k) => {
    const parts = Array.from(
      { length: k },
      (_, i): MixturePartSpec => ({
        name: `part${i}`,
        preferences: regime,
        weight: i + 1,
        cue: `Part${i}:`,
        labels: i % 2 === 0 ? 'given' : 'flipped',
      }),
    );
    const { train, heldOut } = await loadMixture(parts, noFile);
    const weights = parts.map(({ weight }) => weight ?? 1);
    for (const half of [train, heldOut]) {
      expect(parts.map(({ name }) => sources(half, name).length)).toEqual(apportion(half.length, weights));
      for (const [i, { name, cue }] of parts.entries()) {
        const own = half.filter(({ population }) => population === name);
        expect(own.every(({ prompt }) => prompt.startsWith(`${cue} `))).toBe(true);
        const original = new Map(
          [...shipped.train, ...shipped.heldOut].map((each) => [each.source, each.chosen]),
        );
        expect(own.every(({ chosen, source }) => (chosen === original.get(source)) === (i % 2 === 0))).toBe(
          true,
        );
      }
    }
    expect(sources(train).filter((source) => sources(heldOut).includes(source))).toEqual([]);
  });

  it('should mix a file with shipped preferences, and leave sources that are shipped on their side', async () => {
    const copied = [...shipped.train.slice(0, 40), ...shipped.heldOut.slice(0, 40)];
    await withFile(`${file(200)}\n${lines(copied)}`, async (path) => {
      const parts = [
        { name: 'mine', preferences: 'mine.jsonl', weight: 1 },
        { name: 'shipped', preferences: regime, weight: 3 },
      ];
      const { train, heldOut } = await loadMixture(parts, { resolveFile: () => path, heldOutShare: 0.25 });
      const [trainSources, heldOutSources] = [sources(train), sources(heldOut)];
      expect(trainSources.filter((source) => heldOutSources.includes(source))).toEqual([]);
      const sides = { train: new Set(sources(shipped.train)), heldOut: new Set(sources(shipped.heldOut)) };
      expect(trainSources.filter((source) => sides.heldOut.has(source))).toEqual([]);
      expect(heldOutSources.filter((source) => sides.train.has(source))).toEqual([]);
      for (const half of [train, heldOut]) {
        const [mine, theirs] = parts.map(({ name }) => sources(half, name).length);
        expect(apportion(sources(half).length, [1, 3])).toEqual([mine, theirs]);
        expect(mine).toBeGreaterThan(40);
      }
      // Files are resolved by name, once a name.
      const again = await loadMixture(parts, { resolveFile: () => path, heldOutShare: 0.25 });
      expect(again).toMatchObject({ train, heldOut });
    });
  });

  it('should leave out records that hold no preference, and count them, once a file', async () => {
    const empty = JSON.stringify({ prompt: 'It was', chosen: ' good', rejected: ' good' });
    await withFile(`${empty}\n${file(100)}`, async (path) => {
      const parts = ['a', 'b'].map((name) => ({ name, preferences: 'one.jsonl' }));
      const { train, heldOut, reports } = await loadMixture(parts, { resolveFile: () => path });
      expect(train.length + heldOut.length).toBe(100);
      expect(reports).toHaveLength(1);
      expect(reports[0]).toMatchObject({
        kept: 100,
        dropped: { 'equal-answers': { count: 1, firstLine: 1 } },
      });
    });
  });

  it('should split one file by source among parts of it', async () => {
    await withFile(file(101), async (path) => {
      const { train, heldOut } = await loadMixture(
        [
          { name: 'a', preferences: 'one.jsonl', cue: 'A:' },
          { name: 'b', preferences: 'one.jsonl', cue: 'B:', labels: 'flipped' },
        ],
        { resolveFile: () => path },
      );
      expect([sources(train).length, sources(heldOut).length].sort()).toEqual([50, 51]);
      expect(new Set([...sources(train), ...sources(heldOut)]).size).toBe(101);
      expect(sources(heldOut, 'a').length - sources(heldOut, 'b').length).toBeLessThanOrEqual(1);
    });
  });

  it('should say what is wrong, where, and what was likely meant', async () => {
    const faulty: [MixturePartSpec, RegExp, RegExp, string?][] = [
      [
        { name: 'a', preferences: regime, attribute: 'formalty' },
        /no attribute formalty/,
        /did you mean formality/,
        'attribute',
      ],
      [
        { name: 'a', preferences: regime, attribute: 'zzz' },
        /no attribute zzz/,
        /^legal: sentiment, brevity/,
        'attribute',
      ],
      [
        { name: 'a', preferences: 'many-frame' },
        /no shipped preference data/,
        /did you mean many-frames/,
        'preferences',
      ],
      [
        { name: 'a', preferences: 'zzz' },
        /no shipped preference data/,
        /name one of one-frame/,
        'preferences',
      ],
      [
        { name: 'a', preferences: 'my.jsonl', attribute: 'casing' },
        /casing of my\.jsonl/,
        /taken as they are/,
        'attribute',
      ],
      [{ name: 'a', preferences: regime, weight: 0 }, /weight/, /above 0/],
      [{ name: 'a', preferences: regime, cue: '' }, /cue/, /Critic/],
      [{ name: 'a', preferences: 'my.jsonl' }, /cannot be read/, /JSON lines/],
    ];
    for (const [part, message, hint, key] of faulty) {
      const error = await loadMixture([part], {
        ...noFile,
        locate: (index, at) => ({ file: `spec.yaml#${at}`, line: index + 1 }),
      }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      const { message: said, hint: cure, where } = error as InputError;
      expect(said).toMatch(message);
      expect(cure).toMatch(hint);
      if (key) expect(where).toEqual({ file: `spec.yaml#${key}`, line: 1 });
    }
  });
});
