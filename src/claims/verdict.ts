/** From an interval to a verdict, from verdicts to an outcome, from outcomes to an exit code. */
import type {
  ClaimReport,
  ControlReport,
  Expected,
  Interval,
  Outcome,
  RunReport,
  Threshold,
  Totals,
  Verdict,
} from './report.js';

/** The whole interval on the right side of the bound: holds; on the wrong side: breaks; else inconclusive. */
export const verdictOf = ([lower, upper]: Interval, threshold: Threshold): Verdict => {
  if (!(lower <= upper)) return 'error';
  if ('atLeast' in threshold) {
    if (lower >= threshold.atLeast) return 'holds';
    return upper < threshold.atLeast ? 'breaks' : 'inconclusive';
  }
  if (upper <= threshold.atMost) return 'holds';
  return lower > threshold.atMost ? 'breaks' : 'inconclusive';
};

/** Whether a difference (claim − control) lies wholly on the claim's side of zero. */
export const beats = ([lower, upper]: Interval, threshold: Threshold): boolean =>
  'atLeast' in threshold ? lower > 0 : upper < 0;

export const outcomeOf = (verdict: Verdict, expected: Expected): Outcome => {
  if (verdict === 'error' || verdict === 'inconclusive') return verdict;
  return verdict === expected ? 'pass' : 'fail';
};

/**
 * A control that surprises makes its claim fail, and one that cannot be measured makes it an error. A control whose interval
 * straddles the threshold is no surprise: it is shown as inconclusive, and the paired difference still says whether it is
 * beaten.
 */
export const combineOutcomes = (own: Outcome, controls: readonly Outcome[]): Outcome => {
  const all = [own, ...controls];
  if (all.includes('error')) return 'error';
  return all.includes('fail') ? 'fail' : own;
};

export const totalsOf = (claims: readonly Pick<ClaimReport, 'outcome'>[]): Totals => {
  const totals = { pass: 0, fail: 0, inconclusive: 0, error: 0 };
  for (const { outcome } of claims) totals[outcome]++;
  return totals;
};

/**
 * 0 all pass · 1 a fail or an error, or a claim of the baseline that was not judged · 3 only inconclusive verdicts stand in
 * the way (1 where `strict`).
 */
export const exitCodeOf = (
  { totals, baseline }: Pick<RunReport, 'totals' | 'baseline'>,
  { strict = false } = {},
): 0 | 1 | 3 => {
  if (totals.fail + totals.error + (baseline?.missing.length ?? 0) > 0) return 1;
  if (totals.inconclusive > 0) return strict ? 1 : 3;
  return 0;
};

/** A claim is specific if it beats each control, companions aside, and none of them passes its threshold as well. */
export const isSpecific = (
  controls: readonly Pick<ControlReport, 'beaten' | 'verdict' | 'role'>[],
): boolean =>
  controls.every(({ beaten, verdict, role }) => role === 'companion' || (beaten && verdict !== 'holds'));

const listInWords = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

const nameInWords = (control: Pick<ControlReport, 'id'>): string =>
  control.id === 'sft' ? 'SFT' : control.id === 'placebo-noise' ? 'noise' : control.id.replaceAll('-', ' ');

/** The verdict in words, such as `HOLDS, not specific (noise and SFT hold too)`. */
export const describeVerdict = (claim: Pick<ClaimReport, 'verdict' | 'specific' | 'controls'>): string => {
  const verdict = claim.verdict.toUpperCase();
  if (claim.verdict !== 'holds' || claim.specific) return verdict;
  const controls = claim.controls.filter(({ role }) => role === 'control');
  const holding = controls.filter((control) => control.verdict === 'holds');
  if (holding.length > 0) {
    const verb = holding.length === 1 ? 'holds' : 'hold';
    return `${verdict}, not specific (${listInWords(holding.map(nameInWords))} ${verb} too)`;
  }
  const unbeaten = controls.filter((control) => !control.beaten);
  return `${verdict}, not specific (does not beat ${listInWords(unbeaten.map(nameInWords))})`;
};
