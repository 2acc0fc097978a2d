/** Which policy a subject is judged on, and by which vectors. */
import { type CrossFittedVectors, mapVectors } from '../evidence/cross-fitted-vectors.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Site, Variant } from '../evidence/variant.js';
import { type AlternativeVector, alternativeVectors } from './catalogue.js';
import { type Subject, variantOf } from './context.js';
import { randomDirectionCount, randomVectors } from './random-directions.js';

/** The vectors that judge at each site. */
export type VectorsAt = (site: Site) => CrossFittedVectors;

export interface SubjectVectors {
  readonly variant: Variant;
  /** One, or for random directions each draw; a metric is averaged over them. */
  readonly families: readonly VectorsAt[];
}

const isAlternative = (subject: Subject): subject is AlternativeVector =>
  (alternativeVectors as readonly string[]).includes(subject);

const negated = (vector: Float64Array): Float64Array => vector.map((value) => -value);

/**
 * A control policy is judged by its own v*. The DPO policy is judged by its v* as the claim; by norm-matched random
 * directions; by a vector from elsewhere; or by −v* of DPO on flipped labels, which would be v* if DPO's shift were odd in
 * the preference.
 */
export const subjectVectors = (evidence: SeedEvidence, subject: Subject): SubjectVectors => {
  if (subject === 'random-directions') {
    const drawn = new Map<Site, CrossFittedVectors[]>();
    const at = (site: Site): CrossFittedVectors[] => {
      const known = drawn.get(site) ?? randomVectors(evidence, site);
      drawn.set(site, known);
      return known;
    };
    return {
      variant: 'dpo',
      families: Array.from(
        { length: randomDirectionCount },
        (_, index) => (site: Site) => at(site)[index] as CrossFittedVectors,
      ),
    };
  }
  if (subject === 'flipped-labels') {
    const { folds } = evidence.data;
    return {
      variant: 'dpo',
      families: [(site) => mapVectors(evidence.vectors('flipped-labels', site), negated, folds)],
    };
  }
  if (isAlternative(subject)) {
    return { variant: 'dpo', families: [(site) => evidence.alternative(subject, site)] };
  }
  const variant = variantOf(subject);
  return { variant, families: [(site) => evidence.vectors(variant, site)] };
};
