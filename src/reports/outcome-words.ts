import { type ClaimReport, type ControlReport, describeVerdict } from '../claims/index.js';
import { formatNumber } from './format.js';

/** Whether a control came out against its expectation; one that is inconclusive did not. */
export const isSurprise = ({ outcome }: Pick<ControlReport, 'outcome'>): boolean =>
  outcome === 'fail' || outcome === 'error';

/** Further numbers of a judgement in words: `median 0.953 · p05 0.729`. */
export const describeDetails = ({ details }: Pick<ClaimReport, 'details'>): string =>
  Object.entries(details)
    .map(
      ([name, value]) =>
        `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${Number.isInteger(value) ? value : formatNumber(value)}`,
    )
    .join(' · ');

/**
 * The verdict in words and, where the claim's own verdict is the expected one but its outcome is not a pass, the
 * controls that made it so.
 */
export const describeOutcome = (claim: ClaimReport): string => {
  const verdict = describeVerdict(claim);
  if (claim.verdict !== claim.expected) return verdict;
  const surprising = claim.controls
    .filter(isSurprise)
    .map(
      (control) => `control ${control.id} was expected to ${control.expected === 'holds' ? 'hold' : 'break'}`,
    );
  return surprising.length === 0 ? verdict : `${verdict}, but ${surprising.join('; ')}`;
};
