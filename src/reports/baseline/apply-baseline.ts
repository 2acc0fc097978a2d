/** A run held against a baseline: how each claim stands to it, and what of it was not judged. */

import {
  type AcceptedCase,
  type Baseline,
  type ClaimReport,
  combineOutcomes,
  outcomeOf,
  type RunReport,
  type Standing,
  totalsOf,
} from '../../claims/index.js';
import { isOutside } from '../diff.js';
import { caseKey } from '../groups.js';

/** What arithmetic alone may move an estimate by, from one engine to another: no band is narrower than this. */
const ARITHMETIC_SLACK = 1e-6;

/** How a claim stands to what was accepted of it. */
export const standingOf = (
  { estimate, verdict }: Pick<ClaimReport, 'estimate' | 'verdict'>,
  accepted: AcceptedCase | undefined,
): Standing => {
  if (accepted === undefined) return { state: 'new' };
  const known = { verdict: accepted.verdict, estimate: accepted.estimate, band: accepted.band };
  if (isOutside(estimate, accepted.band, ARITHMETIC_SLACK)) return { state: 'left', ...known };
  return { state: verdict === accepted.verdict ? 'within' : 'verdict', ...known };
};

/** Whether a claim that stands so fails by it. */
export const fallsOut = ({ state }: Standing): boolean => state === 'left' || state === 'verdict';

const judgedAlone = (claim: ClaimReport): ClaimReport => {
  const { baseline, ...judged } = claim;
  if (baseline === undefined) return claim;
  return {
    ...judged,
    outcome: combineOutcomes(
      outcomeOf(claim.verdict, claim.expected),
      claim.controls.map(({ outcome }) => outcome),
    ),
  };
};

/** The report as its run judged it, before it was held against any baseline. */
export const withoutBaseline = ({ baseline: _, ...report }: RunReport): RunReport => {
  const claims = report.claims.map(judgedAlone);
  return { ...report, claims, totals: totalsOf(claims) };
};

const countWords = (count: number): string => (count === 1 ? '1 claim was' : `${count} claims were`);

/** One note for each way in which claims were made under other conditions. */
const noteEach = (
  pairs: readonly (readonly [ClaimReport, AcceptedCase])[],
  accepted: (entry: AcceptedCase) => string,
  own: (claim: ClaimReport) => string,
  words: (accepted: string, now: string) => string,
): string[] => {
  const counts = new Map<string, number>();
  for (const [claim, entry] of pairs) {
    const [then, now] = [accepted(entry), own(claim)];
    if (then === now) continue;
    const text = words(then, now);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${countWords(count)} accepted ${text}`);
};

const notesOf = (
  { run, claims }: RunReport,
  { targets }: Baseline,
  known: ReadonlyMap<string, AcceptedCase>,
): string[] => {
  const pairs = claims.flatMap((claim) => {
    const accepted = known.get(caseKey(claim));
    return accepted === undefined ? [] : [[claim, accepted] as const];
  });
  const seedsText = (seeds: readonly number[]): string => seeds.join(', ') || 'none';
  return [
    ...(targets.every((target) => run.targets.includes(target))
      ? []
      : [`it was made of ${targets.join(', ')}, and this run judged ${run.targets.join(', ')}`]),
    ...noteEach(
      pairs,
      ({ engine }) => engine,
      () => run.engine,
      (then, now) => `on engine ${then}, and judged on ${now}`,
    ),
    ...noteEach(
      pairs,
      ({ seeds }) => seedsText(seeds),
      ({ seeds }) => seedsText(seeds),
      (then, now) => `from seeds ${then}, and judged from ${now}`,
    ),
  ];
};

const nameOf = ({ id, experiment, comparison }: AcceptedCase) => ({ id, experiment, comparison });

/**
 * Holds a run against a baseline. A claim whose estimate leaves its band, or whose verdict is another, fails, so that no
 * view of the report shows it as a pass; a new one keeps its outcome. What a run was held against before is undone.
 *
 * @param file name of the baseline, as the report shows it
 */
export const applyBaseline = (held: RunReport, baseline: Baseline, file: string): RunReport => {
  const report = withoutBaseline(held);
  const known = new Map(baseline.claims.map((accepted) => [caseKey(accepted), accepted]));
  const claims = report.claims.map((claim): ClaimReport => {
    const standing = standingOf(claim, known.get(caseKey(claim)));
    return {
      ...claim,
      outcome: combineOutcomes(claim.outcome, fallsOut(standing) ? ['fail'] : []),
      baseline: standing,
    };
  });
  const judged = new Set(claims.map(caseKey));
  const isPart = report.run.shard !== undefined;
  return {
    ...report,
    claims,
    totals: totalsOf(claims),
    baseline: {
      file,
      accepted: baseline,
      missing: isPart ? [] : baseline.claims.filter((one) => !judged.has(caseKey(one))).map(nameOf),
      notes: notesOf(report, baseline, known),
    },
  };
};
