import { type ClaimReport, describeVerdict } from '../claims/index.js';

/**
 * The verdict in words and, where the claim's own verdict is the expected one but its outcome is not a pass, the
 * controls that made it so.
 */
export const describeOutcome = (claim: ClaimReport): string => {
  const verdict = describeVerdict(claim);
  if (claim.verdict !== claim.expected) return verdict;
  const surprising = claim.controls
    .filter((control) => control.verdict !== control.expected)
    .map(
      (control) => `control ${control.id} was expected to ${control.expected === 'holds' ? 'hold' : 'break'}`,
    );
  return surprising.length === 0 ? verdict : `${verdict}, but ${surprising.join('; ')}`;
};
