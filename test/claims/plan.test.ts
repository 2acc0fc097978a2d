import { relative } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Catalogue,
  loadCatalogue,
  planEvidence,
  type SelectedCase,
  selectCases,
} from '../../src/claims/index.js';

const variants = ['placebo-noise', 'shuffled-labels', 'sft'] as const;

let catalogue: Catalogue;
let all: SelectedCase[];

beforeAll(async () => {
  catalogue = await loadCatalogue();
  all = await selectCases([...catalogue.claims.keys()], catalogue);
});

/** A case of the first claim with these controls alone. */
const caseWith = (controls: SelectedCase['claimCase']['controls']): SelectedCase => {
  const selected = all.find(({ experiment }) => experiment !== undefined);
  if (selected === undefined) throw new RangeError('no case has an experiment');
  return { ...selected, claimCase: { ...selected.claimCase, controls } };
};

describe('the plan', () => {
  it('makes each experiment’s evidence once and leaves no case out', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 1 }), (cases) => {
        const plans = planEvidence(cases);
        const files = plans.map(({ experiment }) => experiment.file);
        expect(new Set(files).size).toBe(files.length);
        const planned = plans.flatMap((plan) => plan.cases).sort((a, b) => a - b);
        expect(planned).toEqual([...cases.keys()].filter((index) => cases[index]?.experiment !== undefined));
        for (const plan of plans) {
          for (const index of plan.cases) expect(cases[index]?.experiment?.file).toBe(plan.experiment.file);
        }
      }),
    );
  });

  it('makes a control’s policy if and only if one of the cases asks for it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.subarray([...variants, 'random-directions' as const]), { minLength: 1 }),
        (asked) => {
          const cases = asked.map((ids) =>
            caseWith(Object.fromEntries(ids.map((id) => [id, 'breaks' as const]))),
          );
          const [plan, ...others] = planEvidence(cases);
          expect(others).toEqual([]);
          expect(plan?.variants).toEqual(variants.filter((id) => asked.some((ids) => ids.includes(id))));
        },
      ),
    );
  });

  it('takes the seeds of the experiment, or the one asked for, 0 too', () => {
    for (const { experiment, seeds } of planEvidence(all)) expect(seeds).toEqual(experiment.value.seeds);
    for (const { seeds } of planEvidence(all, 0)) expect(seeds).toEqual([0]);
  });

  it('needs nothing for properties over random tensors', () => {
    expect(planEvidence(all.filter(({ experiment }) => experiment === undefined))).toEqual([]);
  });

  it('makes evidence once for an experiment that a claim’s file and a claim’s name both lead to', async () => {
    const file = catalogue.claims.get('gradient-law')?.file ?? '';
    const cases = await selectCases(['cosine-concentration', relative(process.cwd(), file)], catalogue);
    expect(planEvidence(cases).map(({ experiment }) => experiment.value.experiment)).toEqual([
      'one-frame',
      'many-frames',
    ]);
  });
});
