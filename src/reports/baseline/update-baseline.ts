/** A baseline brought up to a run, with everything that this changes. */

import { UsageError } from '../../base/index.js';
import type { AcceptedCase, Baseline, CaseName, ClaimReport, RunReport } from '../../claims/index.js';
import { caseKey, caseTitle } from '../groups.js';
import { acceptedBand } from './accepted-band.js';
import { fallsOut, standingOf } from './apply-baseline.js';

export type BaselineChange =
  | { readonly kind: 'added'; readonly after: AcceptedCase }
  /** The estimate left its band, or the verdict is another. */
  | { readonly kind: 'rewritten'; readonly before: AcceptedCase; readonly after: AcceptedCase }
  | { readonly kind: 'removed'; readonly before: AcceptedCase }
  /** The claim could not be judged: an error is never accepted. An entry that it had stays. */
  | { readonly kind: 'unjudged'; readonly name: CaseName };

export interface BaselineUpdate {
  readonly baseline: Baseline;
  /** In the order of the run; what is removed comes last. */
  readonly changes: readonly BaselineChange[];
  /** Entries that stay as they were, those of claims that this run was not asked for among them. */
  readonly unchanged: number;
}

/** Digits of an estimate: more than engines agree on, and a file that does not change by rounding. */
const ESTIMATE_DIGITS = 6;

const acceptedOf = (claim: ClaimReport, { run }: RunReport, note?: string): AcceptedCase | undefined => {
  const { id, experiment, comparison, verdict, estimate, interval, seeds } = claim;
  if (verdict === 'error' || estimate === null || interval === null) return undefined;
  return {
    id,
    experiment,
    comparison:
      comparison?.kind === 'against' ? { kind: 'against', experiment: comparison.experiment } : comparison,
    verdict,
    estimate: Number(estimate.toPrecision(ESTIMATE_DIGITS)),
    band: acceptedBand(estimate, interval),
    dsteer: run.dsteer,
    engine: run.engine,
    seeds,
    ...(note === undefined ? {} : { note }),
  };
};

/**
 * Accepts what a run found. An entry whose claim stands within its band, with its verdict, stays as it is: bands edited by
 * hand survive, and a run that changes nothing changes no byte. What is not judged is removed where the run was asked for
 * everything that the baseline was made of, and stays otherwise.
 *
 * @throws UsageError for a part of a run, whose verdicts are not yet those of the whole, and where one case is judged twice
 */
export const updateBaseline = (report: RunReport, previous?: Baseline): BaselineUpdate => {
  if (report.run.shard !== undefined) {
    throw new UsageError('the verdicts of a shard are not yet those of the whole run', {
      hint: 'merge the shards: dsteer report merge SHARDS… --out DIR --update-baseline',
    });
  }
  const entries = new Map(previous?.claims.map((entry) => [caseKey(entry), entry]));
  const changes: BaselineChange[] = [];
  const judged = new Set<string>();
  for (const claim of report.claims) {
    const key = caseKey(claim);
    if (judged.has(key)) {
      throw new UsageError(`${caseTitle(claim)} is judged twice, and a baseline cannot tell the two apart`, {
        hint: 'give the claims names of their own',
      });
    }
    judged.add(key);
    const before = entries.get(key);
    const after = acceptedOf(claim, report, before?.note);
    if (after === undefined) changes.push({ kind: 'unjudged', name: claim });
    else if (before === undefined) changes.push({ kind: 'added', after });
    else if (fallsOut(standingOf(claim, before))) changes.push({ kind: 'rewritten', before, after });
    else continue;
    if (after !== undefined) entries.set(key, after);
  }
  const { targets } = report.run;
  const isWhole = previous === undefined || previous.targets.every((target) => targets.includes(target));
  for (const [key, before] of isWhole ? [...entries] : []) {
    if (judged.has(key)) continue;
    entries.delete(key);
    changes.push({ kind: 'removed', before });
  }
  const written = changes.filter(({ kind }) => kind === 'added' || kind === 'rewritten').length;
  return {
    baseline: { schema: 1, targets: isWhole ? targets : previous.targets, claims: [...entries.values()] },
    changes,
    unchanged: entries.size - written,
  };
};
