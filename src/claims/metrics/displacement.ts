/** ΔH of a subject: of its own policy, or of the DPO policy with each row's entries shuffled; and the vectors that judge it. */
import { createRandom } from '../../base/index.js';
import { crossFitVectors, shuffleRows } from '../../geometry/index.js';
import type { Matrix } from '../../linalg/index.js';
import { type CrossFittedVectors, crossFitted } from '../evidence/cross-fitted-vectors.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Site } from '../evidence/variant.js';
import { type Subject, variantOf } from './context.js';
import { subjectVectors } from './subject-vectors.js';

const shuffledRowsOf = (evidence: SeedEvidence, site: Site): Matrix =>
  shuffleRows(evidence.displacement('dpo', site), createRandom(`shuffled rows ${evidence.seed} ${site}`));

/** ΔH [n, d] that a subject is measured on at a site. */
export const displacementOf = (evidence: SeedEvidence, subject: Subject, site: Site): Matrix =>
  subject === 'shuffled-rows'
    ? shuffledRowsOf(evidence, site)
    : evidence.displacement(variantOf(subject), site);

export interface JudgedDisplacement {
  /** ΔH [n, d]. */
  readonly delta: Matrix;
  /** One, or for random directions each draw. */
  readonly families: readonly CrossFittedVectors[];
}

/** ΔH of a subject at a site with the vectors that judge its rows; shuffled rows are judged by their own mean. */
export const judgedDisplacement = (
  evidence: SeedEvidence,
  subject: Subject,
  site: Site,
): JudgedDisplacement => {
  if (subject === 'shuffled-rows') {
    const { folds } = evidence.data;
    const delta = shuffledRowsOf(evidence, site);
    return { delta, families: [crossFitted(crossFitVectors(delta, folds), folds)] };
  }
  const { variant, families } = subjectVectors(evidence, subject);
  return {
    delta: evidence.displacement(variant, site),
    families: families.map((vectorsAt) => vectorsAt(site)),
  };
};
