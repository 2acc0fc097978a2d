import { relative } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import {
  type Catalogue,
  loadCatalogue,
  parseSpec,
  planJobs,
  type SelectedCase,
  select,
  taskKey,
} from '../../src/claims/index.js';
import { variantControls } from '../../src/claims/metrics/catalogue.js';
import { experimentText } from './synthetic-evidence.js';

let catalogue: Catalogue;
let all: readonly SelectedCase[];

beforeAll(async () => {
  catalogue = await loadCatalogue();
  all = (await select([...catalogue.claims.keys()], catalogue)).cases;
});

const plan = (cases: readonly SelectedCase[], seed?: number) => planJobs({ cases, tables: [] }, seed);

/** A case of the first claim with these controls alone. */
const caseWith = (ids: readonly SelectedCase['controls'][number]['id'][]): SelectedCase => {
  const selected = all.find(({ experiments }) => experiments.length === 1);
  if (selected === undefined) throw new RangeError('no case has an experiment');
  return { ...selected, controls: ids.map((id) => ({ id, expected: 'breaks' as const })) };
};

describe('the plan', () => {
  it('has one job an experiment and seed, and leaves no quantity of any case out', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...all], { minLength: 1, maxLength: 12 }), (cases) => {
        const jobs = plan(cases);
        expect(new Set(jobs.map(({ id }) => id)).size).toBe(jobs.length);
        for (const { claim, experiments, controls, seeds: asked } of cases) {
          const { metric, layers, draws } = claim.value;
          for (const subject of ['claim', ...controls.map(({ id }) => id)] as const) {
            const key = taskKey({ metric, layers, subject, draws });
            const holding = jobs.filter((job) => job.tasks.some((task) => taskKey(task) === key));
            for (const experiment of experiments) {
              const seeds = holding
                .filter((job) => job.experiment?.value.experiment === experiment.value.experiment)
                .map(({ seed }) => seed);
              expect(seeds).toEqual(expect.arrayContaining([...(asked ?? experiment.value.seeds)]));
            }
            if (experiments.length === 0)
              expect(holding.map(({ experiment }) => experiment)).toContain(undefined);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('makes a control’s policy if and only if one of the cases asks for it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.subarray([...variantControls, 'random-directions' as const]), { minLength: 1 }),
        (asked) => {
          const [job, ...others] = plan(asked.map(caseWith));
          expect(others).toEqual([]);
          expect(job?.variants).toEqual(
            variantControls.filter((id) => asked.some((ids) => ids.includes(id))),
          );
        },
      ),
    );
  });

  it('takes the seeds of the suite before those of the experiment, and the one asked for before both, 0 too', () => {
    const [own] = all.filter(({ experiments }) => experiments.length === 1);
    if (own === undefined) throw new RangeError('no case has an experiment');
    const seedsIn = (selected: SelectedCase, seed?: number) => plan([selected], seed).map((job) => job.seed);
    expect(seedsIn({ ...own, seeds: undefined })).toEqual([...(own.experiments[0]?.value.seeds ?? [])]);
    expect(seedsIn({ ...own, seeds: [200, 201] })).toEqual([200, 201]);
    expect(seedsIn({ ...own, seeds: [200, 201] }, 0)).toEqual([0]);
  });

  it('measures all properties in one job without an experiment', () => {
    const jobs = plan(all.filter(({ experiments }) => experiments.length === 0));
    expect(jobs.map(({ id, experiment }) => [id, experiment])).toEqual([['properties/seed-100', undefined]]);
    expect(
      plan(
        all.filter(({ experiments }) => experiments.length === 0),
        3,
      ).map(({ id }) => id),
    ).toEqual(['properties/seed-3']);
  });

  it('makes evidence once for an experiment that a claim’s file and a claim’s name both lead to', async () => {
    const file = catalogue.claims.get('gradient-law')?.file ?? '';
    const { cases } = await select(['cosine-concentration', relative(process.cwd(), file)], catalogue);
    const ids = plan(cases, 0).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('many-frames/seed-0');
  });

  it('refuses two experiments of one name from different files, whose evidence would mix', () => {
    const [own] = all.filter(({ experiments }) => experiments.length === 1);
    const other = parseSpec(
      experimentText(own?.experiments[0]?.value.experiment ?? '', 'pairs.jsonl'),
      '/elsewhere/experiment.yaml',
    );
    if (own === undefined || other.kind !== 'experiment') throw new RangeError('no case has an experiment');
    expect(() => plan([own, { ...own, experiments: [other] }])).toThrow(UsageError);
  });
});
