import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/index.js';
import { loadExperimentData } from '../../../src/claims/evidence/experiment-data.js';
import { assetsFolder, loadTokenizer, type ModelTokenizer } from '../../../src/data/index.js';
import { experimentText, parseExperiment } from '../synthetic-evidence.js';

let folder: string;
let tokenizer: ModelTokenizer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-data-'));
  tokenizer = await loadTokenizer(join(assetsFolder(), 'model'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const linesOf = (sources: readonly (string | undefined)[]): string =>
  sources
    .map((source, i) =>
      JSON.stringify({
        prompt: `Case ${i} was`,
        chosen: ' good',
        rejected: ' bad',
        ...(source === undefined ? {} : { source }),
      }),
    )
    .join('\n');

const load = async (sources: readonly (string | undefined)[], options = '') => {
  await writeFile(join(folder, 'pairs.jsonl'), linesOf(sources));
  const text = experimentText('own', 'pairs.jsonl').replace('training:', `${options}training:`);
  return loadExperimentData(parseExperiment(text, join(folder, 'experiment.yaml')), tokenizer);
};

const manySources = Array.from({ length: 400 }, (_, i) => `document ${i % 160}`);

describe('preference data of one’s own', () => {
  it('is split by source: no source on both sides, no tuple lost, about the share asked for', async () => {
    const sizes = fc.record({
      sources: fc.integer({ min: 60, max: 120 }),
      share: fc.constantFrom(0.4, 0.5, 0.7),
      seed: fc.nat(1000),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ sources, share, seed }) => {
        const given = Array.from({ length: 300 }, (_, i) => `s${seed + (i % sources)}`);
        const { train, heldOut } = await load(given, `  heldOutShare: ${share}\n`);
        const trained = new Set(train.map(({ source }) => source));
        const held = new Set(heldOut.map(({ source }) => source));
        expect([...held].filter((source) => trained.has(source))).toEqual([]);
        expect(train.length + heldOut.length).toBe(given.length);
        expect(held.size).toBe(Math.round(new Set(given).size * share));
      }),
      { numRuns: 10 },
    );
  });

  it('is cross-fitted by source: prompts of one source share a fold, and both folds have some', async () => {
    const { heldOut, clusters, folds } = await load(manySources);
    expect(clusters).toEqual(heldOut.map(({ source }) => source));
    const foldOf = new Map<string, number>();
    clusters.forEach((source, i) => {
      expect(folds[i]).toBe(foldOf.get(source) ?? folds[i]);
      foldOf.set(source, folds[i] ?? -1);
    });
    expect(new Set(folds)).toEqual(new Set([0, 1]));
  });

  it('does not change its split with the order of its lines', async () => {
    const namesOf = (tuples: readonly { readonly source: string }[]) =>
      [...new Set(tuples.map(({ source }) => source))].sort();
    const [forwards, backwards] = [await load(manySources), await load([...manySources].reverse())];
    expect(namesOf(backwards.heldOut)).toEqual(namesOf(forwards.heldOut));
  });

  it('is cut to the numbers asked for', async () => {
    const { train, heldOut } = await load(manySources, '  train: 10\n  heldOut: 70\n');
    expect([train.length, heldOut.length]).toEqual([10, 70]);
  });

  it('with too few held-out prompts is refused, at the line of the file that chose it', async () => {
    for (const [sources, options] of [
      [manySources.slice(0, 100), ''],
      [manySources, '  heldOut: 63\n'],
      [Array.from({ length: 200 }, () => 'the only document'), ''],
    ] as const) {
      const error = await load(sources, options).then(
        () => undefined,
        (fault: unknown) => fault,
      );
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).where).toMatchObject({ file: join(folder, 'experiment.yaml'), line: 5 });
      expect((error as InputError).message).toContain('64');
    }
    expect((await load(manySources, '  heldOut: 64\n')).heldOut).toHaveLength(64);
  });

  it('from one held-out source is refused before training, since nothing could judge its vector', async () => {
    const twoSources = Array.from({ length: 200 }, (_, i) => `document ${i % 2}`);
    await expect(load(twoSources)).rejects.toThrow(/come from 1 source documents/);
    await expect(load(twoSources)).rejects.toBeInstanceOf(InputError);
  });

  it('that is neither a regime nor a file is refused with the regimes', async () => {
    const text = experimentText('own', 'many-frame');
    const error = await loadExperimentData(parseExperiment(text), tokenizer).then(
      () => undefined,
      (fault: unknown) => fault,
    );
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).where?.line).toBe(5);
    expect((error as InputError).hint).toContain('one-frame, many-frames, cloze');
  });
});

describe('the shipped regimes', () => {
  it.each([
    'one-frame',
    'many-frames',
    'cloze',
  ])('%s has 512 held-out prompts that share no sentence with training', async (regime) => {
    const { train, heldOut, folds } = await loadExperimentData(
      parseExperiment(experimentText('own', regime)),
      tokenizer,
    );
    expect(train.length).toBeGreaterThanOrEqual(600);
    expect(heldOut.length).toBeGreaterThanOrEqual(512);
    const trained = new Set(train.map(({ source }) => source));
    expect(heldOut.filter(({ source }) => trained.has(source))).toEqual([]);
    const first = folds.filter((fold) => fold === 0).length / folds.length;
    expect(Math.abs(first - 0.5)).toBeLessThan(0.1);
  });
});
