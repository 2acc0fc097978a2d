import {
  type ClaimReport,
  type ControlReport,
  describeVerdict,
  type Interval,
  verdictOf,
} from '../claims/index.js';
import { formatAgainst, formatNumber } from './format.js';

/** Whether a control came out against its expectation; one that is inconclusive did not. */
export const isSurprise = ({ outcome }: Pick<ControlReport, 'outcome'>): boolean =>
  outcome === 'fail' || outcome === 'error';

/** The name of a further number as words: `medianOfFlips` → `median of flips`. */
export const detailInWords = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** Further numbers of a judgement in words: `median 0.953 · p05 0.729`. */
export const describeDetails = ({ details }: Pick<ClaimReport, 'details'>): string =>
  Object.entries(details)
    .map(([name, value]) => `${detailInWords(name)} ${Number.isInteger(value) ? value : formatNumber(value)}`)
    .join(' · ');

/** `a, b and c` */
const listInWords = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** What the quantity of a claim compares; empty where it is the metric in one experiment. */
export const describeComparison = ({
  experiment,
  comparison,
}: Pick<ClaimReport, 'experiment' | 'comparison'>): string => {
  if (comparison === null) return '';
  if (comparison.kind === 'trend') {
    return `slope by log10 of the parameters over ${listInWords(comparison.experiments)}`;
  }
  const pairing = comparison.paired
    ? 'paired, on the same prompts'
    : 'not paired: their prompts are not the same';
  return `${experiment} less ${comparison.experiment} (${pairing})`;
};

/** `by seed 0.909, 0.912 (SD 0.002)`; empty for one seed. */
export const describeSeeds = ({
  seedEstimates,
  seedSd,
}: Pick<ClaimReport, 'seedEstimates' | 'seedSd'>): string => {
  if (seedEstimates.length < 2) return '';
  const spread = seedSd === null ? '' : ` (SD ${formatNumber(seedSd)})`;
  return `by seed ${seedEstimates.map((estimate) => formatNumber(estimate)).join(', ')}${spread}`;
};

const CORRECTION = { headline: 'Holm', screen: 'Benjamini–Hochberg' } as const;

/** Below this, how small a p is says more of the normal tail than of the data. */
const SMALLEST_P = 1e-4;

/** `adjusted p 0.003 (Holm)`; empty where the claim takes part in no correction. */
export const describeCorrection = ({
  family,
  adjustedP,
}: Pick<ClaimReport, 'family' | 'adjustedP'>): string =>
  family === 'none' || adjustedP === null
    ? ''
    : `adjusted p ${adjustedP < SMALLEST_P ? '< 0.0001' : formatNumber(adjustedP)} (${CORRECTION[family]})`;

/** Its interval alone is clear of the threshold, but not after the correction for many claims. */
const isUndoneByCorrection = ({ verdict, interval, threshold }: ClaimReport): boolean =>
  verdict === 'inconclusive' && interval !== null && verdictOf(interval, threshold) !== 'inconclusive';

/** A band as its file has it. */
export const formatBand = ([low, high]: Interval): string => `[${low}, ${high}]`;

/** Why the baseline makes a claim fail: `its estimate 0.912 left the accepted band [0.892, 0.905]`. */
const baselineFaults = ({ baseline, estimate, verdict }: ClaimReport): string[] => {
  if (baseline === undefined || baseline.state === 'new' || baseline.state === 'within') return [];
  const { band } = baseline;
  const isAbove = estimate !== null && estimate > band[1];
  return [
    ...(baseline.state === 'left'
      ? [
          `its estimate ${formatAgainst(estimate, isAbove ? band[1] : band[0])} left the accepted band ${formatBand(band)}`,
        ]
      : []),
    ...(verdict === baseline.verdict ? [] : [`the baseline accepted ${baseline.verdict.toUpperCase()}`]),
  ];
};

const surprisesOf = (claim: ClaimReport): string[] =>
  claim.verdict !== claim.expected
    ? []
    : claim.controls
        .filter(isSurprise)
        .map(
          ({ role, id, expected }) =>
            `${role} ${id} was expected to ${expected === 'holds' ? 'hold' : 'break'}`,
        );

/**
 * The verdict in words and what else made the outcome: where the claim's own verdict is the expected one, the controls that
 * surprised, and how it left what its baseline accepts.
 */
export const describeOutcome = (claim: ClaimReport): string => {
  const words = describeVerdict(claim);
  const verdict = isUndoneByCorrection(claim) ? `${words} after correction for many claims` : words;
  const because = [...surprisesOf(claim), ...baselineFaults(claim)];
  return because.length === 0 ? verdict : `${verdict}, but ${because.join('; ')}`;
};
