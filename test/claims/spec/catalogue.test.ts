import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, SpecError, UsageError } from '../../../src/base/index.js';
import { type Catalogue, loadCatalogue, type SelectedCase, select } from '../../../src/claims/index.js';
import { experimentText } from '../synthetic-evidence.js';

const claimText = (name: string, experiments: readonly string[]): string => `claim: ${name}
title: A title
source: somewhere
statement: Something holds.
metric: cosine-to-steering-vector
threshold: { atLeast: 0.9 }
cases:
${experiments
  .map(
    (experiment) => `  - experiment: ${experiment}
    expected: holds
    reason: because
    controls: { sft: breaks }
`,
  )
  .join('')}`;

let folder: string;
let shipped: Catalogue;

const put = async (path: string, text: string): Promise<string> => {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
};

const selectCases = async (targets: readonly string[], catalogue: Catalogue) =>
  (await select(targets, catalogue)).cases;

const namesOf = (cases: readonly SelectedCase[]) =>
  cases.map(
    ({ claim, experiments: [experiment] }) =>
      `${claim.value.claim} in ${experiment?.value.experiment ?? 'nothing'}`,
  );

const errorOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-specs-'));
  shipped = await loadCatalogue();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the shipped specifications', () => {
  it('all load, under names that are their files’', () => {
    const named = [
      ...[...shipped.claims].map(([name, { file }]) => [name, file, 'claims'] as const),
      ...[...shipped.experiments].map(([name, { file }]) => [name, file, 'experiments'] as const),
      ...[...shipped.suites].map(([name, { file }]) => [name, file, 'suites'] as const),
    ];
    expect(named.length).toBeGreaterThan(0);
    for (const [name, file, kind] of named) {
      expect(dirname(file).endsWith(join('specs', kind))).toBe(true);
      const stem = basename(file, '.yaml');
      // A family's members carry its name and their own.
      expect(kind === 'experiments' && name.startsWith(`${stem}-`) ? stem : name).toBe(stem);
    }
  });

  it('name only claims and experiments that exist', async () => {
    expect(shipped.suites.has('quick')).toBe(true);
    for (const [suite, { value }] of shipped.suites) {
      if (value.given !== undefined) continue;
      const cases = await selectCases([suite], shipped);
      const { claims } = shipped.suites.get(suite)?.value ?? { claims: [] };
      expect(new Set(cases.map(({ claim }) => claim.value.claim))).toEqual(new Set(claims));
    }
    for (const claim of shipped.claims.keys())
      expect((await selectCases([claim], shipped)).length).toBeGreaterThan(0);
  });

  it('hold the four headline claims and their controls in the quick suite', async () => {
    const cases = await selectCases(['quick'], shipped);
    for (const name of ['gradient-law', 'cosine-concentration', 'rank-one-dominance', 'inversion-recovery']) {
      const own = cases.filter(({ claim }) => claim.value.claim === name);
      expect(own.map(({ experiments }) => experiments[0]?.value.experiment)).toEqual([
        'one-frame',
        'many-frames',
      ]);
      for (const { claimCase } of own) {
        for (const control of ['placebo-noise', 'shuffled-labels', 'sft']) {
          expect(Object.keys(claimCase.controls)).toContain(control);
        }
      }
    }
  });

  it('keep the paper’s thresholds', () => {
    const thresholdOf = (name: string) => shipped.claims.get(name)?.value.threshold;
    expect(thresholdOf('cosine-concentration')).toEqual({ atLeast: 0.9 });
    expect(thresholdOf('rank-one-dominance')).toEqual({ atMost: 0.1 });
    expect(thresholdOf('inversion-recovery')).toEqual({ atLeast: 0.9 });
    expect(shipped.claims.get('rank-one-dominance')?.value.layers).toBe('upper');
  });

  it('publish numbers from seeds 100 on', () => {
    for (const { value } of shipped.experiments.values())
      expect(Math.min(...value.seeds)).toBeGreaterThanOrEqual(100);
  });
});

describe('selecting cases', () => {
  it('takes a claim in each of its experiments', async () => {
    expect(namesOf(await selectCases(['cosine-concentration'], shipped))).toEqual([
      'cosine-concentration in one-frame',
      'cosine-concentration in many-frames',
      'cosine-concentration in cloze',
    ]);
  });

  it('takes a property without an experiment', async () => {
    expect(namesOf(await selectCases(['logit-difference'], shipped))).toEqual([
      'logit-difference in nothing',
    ]);
  });

  it('takes each case once however often it is named, in the order of the first naming', async () => {
    const names = ['quick', ...shipped.claims.keys()];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 6 }),
        async (targets) => {
          const all = namesOf((await Promise.all(targets.map((one) => selectCases([one], shipped)))).flat());
          expect(namesOf(await selectCases(targets, shipped))).toEqual([...new Set(all)]);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('knows a shipped claim again by its file, however the path is written', async () => {
    const file = shipped.claims.get('cosine-concentration')?.file ?? '';
    const written = ['cosine-concentration', file, relative(process.cwd(), file)];
    expect(namesOf(await selectCases(written, shipped))).toHaveLength(3);
  });

  it('keeps two cases of one claim in one experiment apart', async () => {
    const file = await put('twice/claim.yaml', claimText('twice', ['one-frame', 'one-frame']));
    expect(await selectCases([file, file], shipped)).toHaveLength(2);
  });

  it('restricts a suite to the experiments that it names', async () => {
    const suite =
      'suite: narrow\ntitle: T\nclaims: [logit-difference, cosine-concentration]\nexperiments: [many-frames]\n';
    expect(namesOf(await selectCases([await put('narrow.yaml', suite)], shipped))).toEqual([
      'logit-difference in nothing',
      'cosine-concentration in many-frames',
    ]);
  });

  it.each(['.', 'experiments', '../experiments'])('finds experiments beside a file, in %s', async (place) => {
    const file = await put(
      `beside-${place.length}/claims/claim.yaml`,
      claimText('own', ['my-experiment', 'one-frame']),
    );
    await put(
      relative(folder, join(dirname(file), place, 'any-name.yaml')),
      experimentText('my-experiment', 'pairs.jsonl'),
    );
    const [own, other] = await selectCases([file], shipped);
    expect(own?.experiments[0]?.value.data.preferences).toBe('pairs.jsonl');
    expect(other?.experiments[0]?.file).toBe(shipped.experiments.get('one-frame')?.file);
  });

  it('is not disturbed by a broken neighbour', async () => {
    const file = await put('broken/claim.yaml', claimText('own', ['one-frame']));
    await put('broken/other.yaml', 'experiment: [');
    expect(await selectCases([file], shipped)).toHaveLength(1);
  });
});

describe('a request that cannot be met', () => {
  it('for a misspelt name says what was meant and what there is', async () => {
    const error = await errorOf(selectCases(['cosine-concentraton'], shipped));
    expect(error).toBeInstanceOf(UsageError);
    const { hint = '', exitCode } = error as UsageError;
    expect(exitCode).toBe(2);
    expect(hint).toContain('did you mean cosine-concentration?');
    for (const name of [...shipped.claims.keys(), ...shipped.suites.keys()]) expect(hint).toContain(name);
  });

  it('for a name like no other guesses nothing', async () => {
    const error = await errorOf(selectCases(['xyzzy-plugh-and-more'], shipped));
    expect((error as UsageError).hint).not.toContain('did you mean');
    expect((error as UsageError).hint).toContain('quick');
  });

  it('for an experiment that does not exist points at its line and column', async () => {
    const file = await put('missing/claim.yaml', claimText('own', ['one-frame', 'many-frame']));
    const error = await errorOf(selectCases([file], shipped));
    expect(error).toBeInstanceOf(SpecError);
    const [issue, ...others] = (error as SpecError).issues;
    expect(others).toEqual([]);
    expect(issue?.where).toEqual({ file, line: 12, column: 17 });
    expect(issue?.message).toContain('many-frame');
    expect(issue?.hint).toContain('did you mean many-frames?');
    expect(issue?.hint).toContain('cloze');
  });

  it('for a suite that names a missing claim or experiment points at it', async () => {
    const missingClaim = await put(
      's1.yaml',
      'suite: s\ntitle: T\nclaims:\n  - gradient-law\n  - gradient-lore\n',
    );
    const first = (await errorOf(selectCases([missingClaim], shipped))) as SpecError;
    expect(first.issues[0]?.where).toEqual({ file: missingClaim, line: 5, column: 5 });
    expect(first.issues[0]?.hint).toContain('did you mean gradient-law?');
    const missingExperiment = await put(
      's2.yaml',
      'suite: s\ntitle: T\nclaims: [gradient-law]\nexperiments: [one-frames]\n',
    );
    const second = (await errorOf(selectCases([missingExperiment], shipped))) as SpecError;
    expect(second.issues[0]?.where).toEqual({ file: missingExperiment, line: 4, column: 15 });
    expect(second.issues[0]?.hint).toContain('did you mean one-frame?');
  });

  it('for an experiment’s file says that it asserts nothing', async () => {
    const file = shipped.experiments.get('one-frame')?.file ?? '';
    const error = await errorOf(selectCases([file], shipped));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toContain('asserts nothing');
  });

  it('for a file that is not there names it', async () => {
    const error = await errorOf(selectCases([join(folder, 'nowhere.yaml')], shipped));
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).describe()).toContain('nowhere.yaml');
  });
});
