/** Runs a law over random cases: the share that satisfies it, and the smallest case that does not. */
import fc from 'fast-check';
import type { Measurement } from './measurement.js';
import { rateMeasurement } from './measurement.js';

/** Random cases a property is judged on: 500 successes put Wilson's lower bound above .99. */
export const propertyRuns = 500;

/**
 * Judges `satisfies` on `propertyRuns` random cases.
 *
 * @param shrink look for the smallest counterexample when a case fails (not for laws that must break)
 */
export const measureProperty = async <Case>(
  arbitrary: fc.Arbitrary<Case>,
  satisfies: (value: Case) => Promise<boolean>,
  { seed, shrink }: { readonly seed: number; readonly shrink: boolean },
): Promise<Measurement> => {
  const cases = fc.sample(arbitrary, { seed, numRuns: propertyRuns });
  const success = new Uint8Array(cases.length);
  for (const [index, value] of cases.entries()) success[index] = (await satisfies(value)) ? 1 : 0;
  const clusters = cases.map((_, index) => String(index));
  const rate = rateMeasurement(clusters, success, new Uint8Array(cases.length).fill(1));
  if (!shrink || !success.includes(0)) return rate;
  const details = await fc.check(fc.asyncProperty(arbitrary, satisfies), { seed, numRuns: propertyRuns });
  if (!details.failed || details.counterexamplePath === null) return rate;
  return {
    ...rate,
    counterexample: {
      seed: details.seed,
      path: details.counterexamplePath,
      value: fc.stringify(details.counterexample?.[0]),
    },
  };
};
