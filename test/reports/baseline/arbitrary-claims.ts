/** Judged claims as fast-check makes them: several cases a name, intervals that may leave their estimate out. */

import fc from 'fast-check';
import {
  type ClaimReport,
  type Comparison,
  combineOutcomes,
  outcomeOf,
  type Verdict,
} from '../../../src/claims/index.js';
import { exampleClaim, exampleControl } from '../example-report.js';

const comparisons: readonly (Comparison | null)[] = [
  null,
  { kind: 'against', experiment: 'frozen', paired: true },
  { kind: 'trend', experiments: ['small', 'middle', 'large'] },
];

export const finite = fc.double({ min: -50, max: 50, noNaN: true });

const fields = fc.record({
  id: fc.constantFrom('a', 'b', 'c'),
  experiment: fc.constantFrom('one', 'many'),
  comparison: fc.constantFrom(...comparisons),
  numbers: fc.tuple(finite, finite, finite),
  verdict: fc.constantFrom<Verdict>('holds', 'breaks', 'inconclusive', 'error'),
  control: fc.constantFrom('pass' as const, 'fail' as const),
});

const claimOf = ({
  id,
  experiment,
  comparison,
  numbers: [estimate, a, b],
  verdict,
  control,
}: typeof fields extends fc.Arbitrary<infer Fields> ? Fields : never): ClaimReport =>
  exampleClaim({
    id,
    experiment: comparison?.kind === 'trend' ? null : experiment,
    comparison,
    verdict,
    outcome: combineOutcomes(outcomeOf(verdict, 'holds'), [control]),
    ...(verdict === 'error'
      ? { estimate: null, interval: null, error: 'no flips' }
      : { estimate, interval: [Math.min(a, b), Math.max(a, b)] }),
    controls: [exampleControl({ outcome: control })],
  });

/** No two of them are the same case. */
export const someClaims = fc
  .uniqueArray(fields, {
    maxLength: 8,
    selector: ({ id, experiment, comparison }) =>
      JSON.stringify([id, comparison?.kind === 'trend' ? null : experiment, comparison]),
  })
  .map((list) => list.map(claimOf));
