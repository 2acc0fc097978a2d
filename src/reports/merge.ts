/** Reports of parts of a run, put together as if one run had made them. */

import { InputError, roundSeconds } from '../base/index.js';
import {
  type BaselineReport,
  type ClaimReport,
  combineOutcomes,
  correctForMany,
  outcomeOf,
  type RunInformation,
  type RunReport,
  type Shard,
  totalsOf,
  verdictOf,
} from '../claims/index.js';
import { applyBaseline } from './baseline/apply-baseline.js';
import { caseKey, caseTitle } from './groups.js';

/** A report with the place that errors name. */
export interface Part {
  readonly file: string;
  readonly report: RunReport;
}

/** The claim before any correction for many, which depends on the claims that it stands beside. */
const uncorrected = (claim: ClaimReport): ClaimReport => {
  const { baseline: _, ...judged } = claim;
  const verdict = claim.interval === null ? claim.verdict : verdictOf(claim.interval, claim.threshold);
  return {
    ...judged,
    adjustedP: claim.pValue,
    verdict,
    outcome: combineOutcomes(
      outcomeOf(verdict, claim.expected),
      claim.controls.map(({ outcome }) => outcome),
    ),
  };
};

const refuse = (file: string, message: string, hint: string): never => {
  throw new InputError(message, { where: { file }, hint });
};

/** All parts were asked for the same, by the same program, on the same kind of engine. */
const checkAlike = (parts: readonly Part[]): void => {
  const [first] = parts;
  if (first === undefined) return;
  for (const { file, report } of parts) {
    const { run } = report;
    const wanted = first.report.run;
    const differing = (
      [
        ['targets', run.targets.join(', '), wanted.targets.join(', ')],
        ['engine', run.engine, wanted.engine],
        ['version', run.dsteer, wanted.dsteer],
      ] as const
    ).find(([, own, other]) => own !== other);
    if (differing === undefined) continue;
    const [what, own, other] = differing;
    refuse(
      file,
      `the ${what} of this run is ${own}, and that of ${first.file} is ${other}`,
      'merge shards of one run: the same targets, engine and version of dsteer',
    );
  }
};

/** The baseline that all parts were held against: one for all of them, or none. */
const baselineOf = (parts: readonly Part[]): BaselineReport | undefined => {
  const wanted = parts[0]?.report.baseline;
  for (const { file, report } of parts) {
    if (JSON.stringify(report.baseline?.accepted) === JSON.stringify(wanted?.accepted)) continue;
    refuse(
      file,
      `this run was held against another baseline than ${parts[0]?.file ?? ''}, or only one of them against any`,
      'give every shard the same --baseline FILE, or none of them and hold the merged run against it',
    );
  }
  return wanted;
};

const shardsOf = (parts: readonly Part[]): readonly (Part & { readonly shard: Shard })[] =>
  parts.flatMap((part) => {
    const { shard } = part.report.run;
    return shard === undefined ? [] : [{ ...part, shard }];
  });

/** Items of all shards at their places in the whole. */
const placed = <Item>(
  parts: readonly {
    readonly file: string;
    readonly positions: readonly number[];
    readonly items: readonly Item[];
  }[],
  length: number,
  what: string,
): Item[] => {
  const whole = new Map<number, Item>();
  for (const { file, positions, items } of parts) {
    if (positions.length !== items.length) {
      refuse(
        file,
        `this shard lists ${positions.length} places for ${items.length} ${what}`,
        'run the shard again',
      );
    }
    items.forEach((item, index) => {
      const position = positions[index] ?? -1;
      if (whole.has(position) || position < 0 || position >= length) {
        refuse(
          file,
          `place ${position} of the ${what} is taken, or beyond ${length}`,
          'give each shard once',
        );
      }
      whole.set(position, item);
    });
  }
  const file = parts[0]?.file ?? '';
  if (whole.size < length) {
    refuse(
      file,
      `${length - whole.size} of ${length} ${what} of the whole run are in no shard`,
      'give every shard',
    );
  }
  return Array.from({ length }, (_, position) => whole.get(position)).filter((item) => item !== undefined);
};

/** Each shard of one run, once. */
const checkComplete = (shards: readonly { readonly file: string; readonly shard: Shard }[]): void => {
  const count = shards[0]?.shard.count ?? 0;
  const seen = new Set<number>();
  for (const { file, shard } of shards) {
    if (shard.count !== count)
      refuse(file, `this is one of ${shard.count} shards, not of ${count}`, 'merge shards of one run');
    if (seen.has(shard.index))
      refuse(file, `shard ${shard.index} of ${count} is given twice`, 'give each shard once');
    seen.add(shard.index);
  }
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((index) => !seen.has(index));
  if (missing.length > 0) {
    refuse(
      shards[0]?.file ?? '',
      `shard ${missing.join(', ')} of ${count} is missing`,
      'give the folders of all shards of the run',
    );
  }
};

/** Reports that are no shards, in the order given; a claim may not be judged twice. */
const checkDisjoint = (parts: readonly Part[]): void => {
  const seen = new Map<string, string>();
  for (const { file, report } of parts) {
    for (const claim of report.claims) {
      const key = caseKey(claim);
      const other = seen.get(key);
      if (other !== undefined)
        refuse(file, `${caseTitle(claim)} is judged in ${other} as well`, 'leave one of the two runs out');
      seen.set(key, file);
    }
  }
};

const union = (lists: readonly (readonly number[])[]): number[] => [...new Set(lists.flat())];

/** From the first start to the last end; seconds are those of all parts together, to the millisecond as theirs are. */
const runOf = (parts: readonly Part[], seeds: readonly number[]): RunInformation => {
  const runs = parts.map(({ report }) => report.run);
  const [first] = runs;
  if (first === undefined) throw new RangeError('nothing to merge');
  const { shard: _, ...rest } = first;
  const starts = runs.map(({ startedAt }) => startedAt).sort();
  const ends = runs.map(({ finishedAt }) => finishedAt).sort();
  return {
    ...rest,
    seeds,
    startedAt: starts[0] ?? first.startedAt,
    finishedAt: ends.at(-1) ?? first.finishedAt,
    seconds: roundSeconds(runs.reduce((sum, { seconds }) => sum + seconds, 0)),
  };
};

/**
 * The report of the whole run. Shards of one run give what the whole run would have given, but for times: claims and tables
 * in the order of the whole, corrections for many claims done over all of them, and held against their baseline again, all of
 * them together. Reports of other runs are joined in the order given.
 *
 * @throws InputError where parts are missing, double, or of different runs
 */
export const mergeReports = (parts: readonly Part[]): RunReport => {
  checkAlike(parts);
  const shards = shardsOf(parts);
  const whole = shards[0]?.shard.whole;
  if (shards.length > 0 && shards.length < parts.length) {
    const other = parts.find(({ report }) => report.run.shard === undefined);
    refuse(other?.file ?? '', 'this is no shard, and others are', 'merge shards of one run, or whole runs');
  }
  if (whole === undefined) checkDisjoint(parts);
  else checkComplete(shards);
  const claims =
    whole === undefined
      ? parts.flatMap(({ report }) => [...report.claims])
      : placed(
          shards.map(({ file, report, shard }) => ({ file, positions: shard.claims, items: report.claims })),
          whole.claims,
          'claims',
        );
  const tables =
    whole === undefined
      ? parts.flatMap(({ report }) => [...report.tables])
      : placed(
          shards.map(({ file, report, shard }) => ({ file, positions: shard.tables, items: report.tables })),
          whole.tables,
          'tables',
        );
  const corrected = correctForMany(claims.map(uncorrected));
  const baseline = baselineOf(parts);
  const report: RunReport = {
    schema: 1,
    run: runOf(parts, whole?.seeds ?? union(parts.map(({ report }) => report.run.seeds))),
    claims: corrected,
    tables,
    totals: totalsOf(corrected),
  };
  return baseline === undefined ? report : applyBaseline(report, baseline.accepted, baseline.file);
};
