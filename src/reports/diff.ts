/** What moved between two runs: claims come and gone, verdicts, and estimates beyond the other run's interval. */

import type {
  ClaimReport,
  ComparisonTable,
  Interval,
  Judgement,
  Outcome,
  RunReport,
  Threshold,
  Verdict,
} from '../claims/index.js';
import { caseKey, groupTitle } from './groups.js';

/** One side of a change. */
export interface DiffSide {
  readonly verdict: Verdict;
  readonly outcome: Outcome;
  readonly estimate: number | null;
  readonly interval: Interval | null;
  readonly threshold: Threshold;
  readonly n: number;
}

/** Why a claim is listed. */
export type Change = 'verdict' | 'outcome' | 'estimate' | 'threshold' | 'expected' | 'specific';

export interface ClaimChange {
  readonly id: string;
  /** What made the evidence, as a heading. */
  readonly evidence: string;
  readonly changes: readonly Change[];
  readonly before: DiffSide;
  readonly after: DiffSide;
  /** Controls whose verdict changed or whose estimate moved beyond an interval. */
  readonly controls: readonly {
    readonly id: string;
    readonly changes: readonly Change[];
    readonly before: DiffSide;
    readonly after: DiffSide;
  }[];
}

export interface ClaimName {
  readonly id: string;
  readonly evidence: string;
}

export interface CellChange {
  readonly table: string;
  readonly label: string;
  readonly metric: string;
  readonly before: { readonly estimate: number | null; readonly interval: Interval | null };
  readonly after: { readonly estimate: number | null; readonly interval: Interval | null };
}

export interface ReportDiff {
  readonly schema: 1;
  readonly added: readonly ClaimName[];
  readonly removed: readonly ClaimName[];
  readonly changed: readonly ClaimChange[];
  /** Claims of both runs of which nothing moved. */
  readonly unchanged: number;
  /** Cells of comparison tables, of both runs, whose estimate moved beyond an interval. */
  readonly cells: readonly CellChange[];
}

type Measured = Pick<Judgement, 'estimate' | 'interval'>;

/** Whether an estimate lies beyond an interval by more than `slack`; where one of them is missing it does not. */
export const isOutside = (estimate: number | null, interval: Interval | null, slack = 0): boolean =>
  estimate !== null &&
  interval !== null &&
  (estimate < interval[0] - slack || estimate > interval[1] + slack);

/** One run's estimate lies outside the other's interval, or only one of them has an estimate. */
export const hasMoved = (before: Measured, after: Measured): boolean =>
  (before.estimate === null) !== (after.estimate === null) ||
  isOutside(after.estimate, before.interval) ||
  isOutside(before.estimate, after.interval);

const boundOf = (threshold: Threshold): string => JSON.stringify(threshold);

const sideOf = ({ verdict, outcome, estimate, interval, threshold, n }: Judgement): DiffSide => ({
  verdict,
  outcome,
  estimate,
  interval,
  threshold,
  n,
});

const changesOf = (before: Judgement, after: Judgement): Change[] => {
  const tests: readonly (readonly [Change, boolean])[] = [
    ['verdict', before.verdict !== after.verdict],
    ['outcome', before.outcome !== after.outcome],
    ['estimate', hasMoved(before, after)],
    ['threshold', boundOf(before.threshold) !== boundOf(after.threshold)],
    ['expected', before.expected !== after.expected],
  ];
  return tests.flatMap(([change, applies]) => (applies ? [change] : []));
};

const nameOf = (claim: ClaimReport): ClaimName => ({ id: claim.id, evidence: groupTitle(claim) });

const claimChange = (before: ClaimReport, after: ClaimReport): ClaimChange | undefined => {
  const changes = changesOf(before, after);
  if (before.specific !== after.specific) changes.push('specific');
  const controls = after.controls.flatMap((control) => {
    const other = before.controls.find(({ id }) => id === control.id);
    if (other === undefined) return [];
    const own = changesOf(other, control);
    return own.length === 0
      ? []
      : [{ id: control.id, changes: own, before: sideOf(other), after: sideOf(control) }];
  });
  if (changes.length + controls.length === 0) return undefined;
  return { ...nameOf(after), changes, before: sideOf(before), after: sideOf(after), controls };
};

const cellChanges = (before: ComparisonTable, after: ComparisonTable): CellChange[] =>
  after.rows.flatMap((row) => {
    const other = before.rows.find(({ experiment }) => experiment === row.experiment);
    if (other === undefined) return [];
    return after.metrics.flatMap(({ id }, index) => {
      const now = row.cells[index];
      const then = other.cells[before.metrics.findIndex((metric) => metric.id === id)];
      if (now === undefined || then === undefined || !hasMoved(then, now)) return [];
      return [
        {
          table: after.id,
          label: row.label,
          metric: id,
          before: { estimate: then.estimate, interval: then.interval },
          after: { estimate: now.estimate, interval: now.interval },
        },
      ];
    });
  });

/** From run `before` to run `after`, in the order of `after`; what is gone in the order of `before`. */
export const diffReports = (before: RunReport, after: RunReport): ReportDiff => {
  const then = new Map(before.claims.map((claim) => [caseKey(claim), claim]));
  const now = new Set(after.claims.map(caseKey));
  const pairs = after.claims.flatMap((claim) => {
    const other = then.get(caseKey(claim));
    return other === undefined ? [] : [[other, claim] as const];
  });
  const changed = pairs.flatMap(([one, other]) => claimChange(one, other) ?? []);
  return {
    schema: 1,
    added: after.claims.filter((claim) => !then.has(caseKey(claim))).map(nameOf),
    removed: before.claims.filter((claim) => !now.has(caseKey(claim))).map(nameOf),
    changed,
    unchanged: pairs.length - changed.length,
    cells: after.tables.flatMap((table) => {
      const other = before.tables.find(({ id }) => id === table.id);
      return other === undefined ? [] : cellChanges(other, table);
    }),
  };
};
