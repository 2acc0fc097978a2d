/** Metrics of behaviour under steering: preferences installed in the base, taken back from the policy. */

import { mean } from '../../statistics/index.js';
import { energyRecovery, flips, marginRecovery } from '../../steering/index.js';
import type { PolicyEvidence } from '../evidence/policy-evidence.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Measure, Subject } from './context.js';
import { judgedDisplacement } from './displacement.js';
import { type Measurement, rateMeasurement } from './measurement.js';
import { overSites } from './over-sites.js';
import { averageOverDirections } from './random-directions.js';
import { steerPolicy } from './steered-policy.js';
import { subjectVectors, type VectorsAt } from './subject-vectors.js';

/** The policy that a subject is judged on, what it started from, and one family of vectors. */
export interface Steered {
  readonly start: PolicyEvidence;
  readonly policy: PolicyEvidence;
  readonly vectorsAt: VectorsAt;
  /** Which of the subject's families it is; −1 for v* beside random directions. */
  readonly index: number;
}

/** Measures with v*, or for the random-direction control with each random vector, and averages those. */
export const withVectors = async (
  evidence: SeedEvidence,
  subject: Subject,
  measure: (steered: Steered) => Promise<Measurement>,
): Promise<Measurement> => {
  const { variant, families } = subjectVectors(evidence, subject);
  const [start, policy] = [evidence.startOf(variant), evidence.variant(variant)];
  const measurements: Measurement[] = [];
  for (const [index, vectorsAt] of families.entries()) {
    measurements.push(await measure({ start, policy, vectorsAt, index }));
  }
  const [first] = measurements;
  if (first === undefined) throw new RangeError('no vector was drawn');
  if (subject !== 'random-directions') return first;
  const own = await measure({
    start,
    policy,
    vectorsAt: (site) => evidence.vectors('dpo', site),
    index: -1,
  });
  return averageOverDirections(own, measurements);
};

export const sumOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0);

/** The rate among the held-out prompts that belong to a group, for the report's details. */
const shareAmong = (
  differs: ArrayLike<number>,
  reached: ArrayLike<number>,
  belongs: (index: number) => boolean,
): { readonly flips: number; readonly share?: number } => {
  let changed = 0;
  let back = 0;
  for (let i = 0; i < differs.length; i++) {
    if (!belongs(i)) continue;
    changed += differs[i] ?? 0;
    back += (differs[i] ?? 0) * (reached[i] ?? 0);
  }
  return { flips: changed, ...(changed > 0 ? { share: back / changed } : {}) };
};

/**
 * The rate apart for pairs of one token each and for longer ones: v* is read at the last prompt token, where the former are
 * decided; the latter are decided at later positions too. Of a mixture also for each sub-population.
 */
const sharesOfGroups = (
  { data: { heldOut } }: SeedEvidence,
  differs: ArrayLike<number>,
  reached: ArrayLike<number>,
): Readonly<Record<string, number>> => {
  const isOneToken = (index: number): boolean =>
    heldOut[index]?.chosen.length === 1 && heldOut[index]?.rejected.length === 1;
  const oneToken = shareAmong(differs, reached, isOneToken);
  const longer = shareAmong(differs, reached, (index) => !isOneToken(index));
  const populations = new Set(heldOut.flatMap(({ population }) => population ?? []));
  const byPopulation = [...populations].flatMap((name) => {
    const { flips: changed, share } = shareAmong(differs, reached, (i) => heldOut[i]?.population === name);
    return [[`${name} flips`, changed], ...(share === undefined ? [] : [[`${name} share`, share]])];
  });
  return {
    oneTokenFlips: oneToken.flips,
    ...(oneToken.share === undefined ? {} : { oneTokenShare: oneToken.share }),
    ...(longer.share === undefined ? {} : { longerShare: longer.share }),
    ...Object.fromEntries(byPopulation),
  };
};

/** A rate over the prompts on which base and policy prefer differently. */
const flipRate =
  (from: 'base' | 'policy'): Measure =>
  ({ evidence }, subject) =>
    withVectors(evidence, subject, async ({ start, policy, vectorsAt }) => {
      const [origin, goal, lambda] = from === 'base' ? [start, policy, 1] : [policy, start, -1];
      const steered = await steerPolicy(evidence, origin, vectorsAt, lambda);
      const { differs, reached } = flips({ start: origin.margins, steered, goal: goal.margins });
      const details = { flips: sumOf(differs), ...sharesOfGroups(evidence, differs, reached) };
      return rateMeasurement(evidence.data.clusters, reached, differs, details);
    });

/** `flips-installed`: where base and policy prefer differently, how often base + v* prefers as the policy. */
export const measureFlipsInstalled: Measure = flipRate('base');

/** `flips-undone`: where base and policy prefer differently, how often policy − v* prefers as the base. */
export const measureFlipsUndone: Measure = flipRate('policy');

const overAllPrompts = ({ data }: SeedEvidence, statistic: Measurement['statistic']): Measurement => ({
  n: data.clusters.length,
  clusters: data.clusters,
  statistic,
  details: {},
});

/** `margin-recovery`: 1 − Σ|m_inverted − m_base| / Σ|m_policy − m_base|, an aggregate over prompts. */
export const measureMarginRecovery: Measure = ({ evidence }, subject) =>
  withVectors(evidence, subject, async ({ start, policy, vectorsAt }) => {
    const inverted = await steerPolicy(evidence, policy, vectorsAt, -1);
    const margins = { base: start.margins, policy: policy.margins, steered: inverted };
    return overAllPrompts(evidence, marginRecovery(margins));
  });

/** `energy-recovery`: 1 − Σ‖Δh − v*‖² / Σ‖Δh‖² at the readout; of several layers their mean. */
export const measureEnergyRecovery: Measure = (context, subject) =>
  overSites(
    context,
    (site) => {
      const { evidence } = context;
      const { delta, families } = judgedDisplacement(evidence, subject, site);
      const measurements = families.map(({ judging }) =>
        overAllPrompts(evidence, energyRecovery(delta, judging)),
      );
      const [first] = measurements;
      if (first === undefined) throw new RangeError('no vector was drawn');
      if (subject !== 'random-directions') return first;
      const own = overAllPrompts(evidence, energyRecovery(delta, evidence.vectors('dpo', site).judging));
      return averageOverDirections(own, measurements);
    },
    mean,
  );
