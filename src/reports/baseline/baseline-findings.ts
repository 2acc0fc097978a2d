/** What the comparison with a baseline came to, in words that every view shares. */

import type { CaseName, RunReport } from '../../claims/index.js';
import { caseTitle } from '../groups.js';
import { describeOutcome } from '../outcome-words.js';

export interface BaselineFinding {
  readonly kind: 'left' | 'verdict' | 'missing' | 'new';
  readonly title: string;
  readonly text: string;
}

export interface BaselineFindings {
  readonly file: string;
  /** `18 within · 1 left · 0 with another verdict · 1 new · 0 missing` */
  readonly counts: string;
  /** Whether the baseline makes the run fail. */
  readonly isBroken: boolean;
  /** All that is not within: what fails first, then what is new. */
  readonly findings: readonly BaselineFinding[];
  readonly notes: readonly string[];
}

/** Why a case of the baseline that was not judged makes a run fail. */
export const missingText = (name: CaseName, file: string): string =>
  `${caseTitle(name)} is in the baseline ${file} and was not judged in this run: judge it, or take its entry out`;

/** `undefined` of a run that was held against none. */
export const baselineFindings = ({ claims, baseline }: RunReport): BaselineFindings | undefined => {
  if (baseline === undefined) return undefined;
  const { file, missing, notes } = baseline;
  const inState = (state: BaselineFinding['kind'] | 'within') =>
    claims.filter((claim) => claim.baseline?.state === state);
  const told = (kind: 'left' | 'verdict'): BaselineFinding[] =>
    inState(kind).map((claim) => ({ kind, title: caseTitle(claim), text: describeOutcome(claim) }));
  const [left, verdicts] = [told('left'), told('verdict')];
  const fresh = inState('new').map(
    (claim): BaselineFinding => ({
      kind: 'new',
      title: caseTitle(claim),
      text: 'not in the baseline yet; --update-baseline adds it',
    }),
  );
  return {
    file,
    counts: [
      `${inState('within').length} within`,
      `${left.length} left`,
      `${verdicts.length} with another verdict`,
      `${fresh.length} new`,
      `${missing.length} missing`,
    ].join(' · '),
    isBroken: left.length + verdicts.length + missing.length > 0,
    findings: [
      ...left,
      ...verdicts,
      ...missing.map(
        (name): BaselineFinding => ({
          kind: 'missing',
          title: caseTitle(name),
          text: missingText(name, file),
        }),
      ),
      ...fresh,
    ],
    notes,
  };
};
