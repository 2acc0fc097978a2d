/** Metrics of behaviour under steering: preferences installed in the base, taken back from the policy. */
import { energyRecovery, flips, marginRecovery, steeredMargins } from '../../steering/index.js';
import type { PolicyEvidence } from '../evidence/policy-evidence.js';
import type { CrossFittedVectors, SeedEvidence } from '../evidence/seed-evidence.js';
import { type Measure, type Subject, variantOf } from './context.js';
import { type Measurement, ones, rateMeasurement } from './measurement.js';
import { meanOfStatistics, randomVectors, rankAmong } from './random-directions.js';

/** Steers the final hidden state of every position that predicts a completion token. */
const steer = (
  { completions, model }: PolicyEvidence,
  vectors: CrossFittedVectors,
  lambda: number,
): Promise<Float64Array> =>
  steeredMargins(completions, model.unembedding(), { vectorFor: vectors.steering, lambda });

/** Measures with v*, or for the random-direction control with each random vector, and averages those. */
export const withVectors = async (
  evidence: SeedEvidence,
  subject: Subject,
  measure: (vectors: CrossFittedVectors) => Promise<Measurement>,
): Promise<Measurement> => {
  const own = evidence.vectors(variantOf(subject), 'postNorm');
  if (subject !== 'random-directions') return measure(own);
  const observed = (await measure(own)).statistic(ones(evidence.data.heldOut.length));
  const measurements: Measurement[] = [];
  for (const vectors of randomVectors(evidence, 'postNorm')) measurements.push(await measure(vectors));
  const [first] = measurements;
  if (first === undefined) throw new RangeError('no random direction was drawn');
  const values = measurements.map(({ statistic, n }) => statistic(ones(n)));
  return {
    n: first.n,
    clusters: first.clusters,
    statistic: meanOfStatistics(measurements.map(({ statistic }) => statistic)),
    details: { ...first.details, ...rankAmong(observed, values) },
  };
};

const sumOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0);

/**
 * The rate apart for pairs of one token each and for longer ones: v* is read at the last prompt token, where the former are
 * decided; the latter are decided at later positions too.
 */
const shareByLength = (
  { data }: SeedEvidence,
  differs: ArrayLike<number>,
  reached: ArrayLike<number>,
): Readonly<Record<string, number>> => {
  const oneToken = data.heldOut.map(({ chosen, rejected }) => chosen.length === 1 && rejected.length === 1);
  const among = (wanted: boolean, values: ArrayLike<number>): number =>
    oneToken.reduce((sum, own, i) => sum + (own === wanted ? (differs[i] ?? 0) * (values[i] ?? 0) : 0), 0);
  return {
    oneTokenFlips: among(true, differs),
    oneTokenShare: among(true, reached) / among(true, differs),
    longerShare: among(false, reached) / among(false, differs),
  };
};

/** A rate over the prompts on which base and policy prefer differently. */
const flipRate =
  (from: 'base' | 'policy'): Measure =>
  ({ evidence }, subject) =>
    withVectors(evidence, subject, async (vectors) => {
      const policy = evidence.variant(variantOf(subject));
      const start = from === 'base' ? evidence.base : policy;
      const goal = from === 'base' ? policy : evidence.base;
      const steered = await steer(start, vectors, from === 'base' ? 1 : -1);
      const { differs, reached } = flips({ start: start.margins, steered, goal: goal.margins });
      const details = { flips: sumOf(differs), ...shareByLength(evidence, differs, reached) };
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
  withVectors(evidence, subject, async (vectors) => {
    const policy = evidence.variant(variantOf(subject));
    const inverted = await steer(policy, vectors, -1);
    const margins = { base: evidence.base.margins, policy: policy.margins, steered: inverted };
    return overAllPrompts(evidence, marginRecovery(margins));
  });

/** `energy-recovery`: 1 − Σ‖Δh − v*‖² / Σ‖Δh‖² at the readout. */
export const measureEnergyRecovery: Measure = ({ evidence }, subject) =>
  withVectors(evidence, subject, async (vectors) => {
    const delta = evidence.displacement(variantOf(subject), 'postNorm');
    return overAllPrompts(evidence, energyRecovery(delta, vectors.judging));
  });
