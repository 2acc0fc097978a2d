/** Corrections for judging many claims in one run: Holm for headline claims, Benjamini–Hochberg for screens. */
import { benjaminiHochberg, holm } from '../statistics/index.js';
import type { ClaimReport, Family } from './report.js';
import { combineOutcomes, outcomeOf } from './verdict.js';

const adjusters: Readonly<Record<Exclude<Family, 'none'>, (pValues: number[]) => number[]>> = {
  headline: holm,
  screen: benjaminiHochberg,
};

const withAdjusted = (claim: ClaimReport, adjustedP: number): ClaimReport => {
  const corrected = { ...claim, adjustedP };
  const isClear = claim.verdict === 'holds' || claim.verdict === 'breaks';
  if (!isClear || adjustedP <= (1 - claim.level) / 2) return corrected;
  return {
    ...corrected,
    verdict: 'inconclusive',
    outcome: combineOutcomes(
      outcomeOf('inconclusive', claim.expected),
      claim.controls.map(({ outcome }) => outcome),
    ),
  };
};

/**
 * Adjusts the p values of each family. A verdict needs its adjusted p, one-sided, at (1 − level) / 2, which is what its
 * interval asks of one claim alone; where it does not have that, the verdict is inconclusive.
 */
export const correctForMany = (claims: readonly ClaimReport[]): ClaimReport[] => {
  const corrected = [...claims];
  for (const [family, adjust] of Object.entries(adjusters)) {
    const members = claims.flatMap((claim, index) =>
      claim.family === family && claim.pValue !== null ? [{ index, p: claim.pValue }] : [],
    );
    const adjusted = adjust(members.map(({ p }) => p));
    members.forEach(({ index }, position) => {
      const claim = claims[index];
      if (claim) corrected[index] = withAdjusted(claim, adjusted[position] ?? 1);
    });
  }
  return corrected;
};
