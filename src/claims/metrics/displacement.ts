/** ΔH of a subject: of its own policy, or of the DPO policy with each row's entries shuffled. */
import { createRandom } from '../../base/index.js';
import { type Matrix, matrix } from '../../linalg/index.js';
import type { SeedEvidence, Site } from '../evidence/seed-evidence.js';
import { type Subject, variantOf } from './context.js';

/**
 * Each row with its own entries in another order: norms and entries stay, directions in common go. (Rows put in another
 * order would leave the spectrum as it is.)
 */
export const shuffledRows = ({ rows, columns, data }: Matrix, seed: string): Matrix => {
  const random = createRandom(seed);
  const shuffled = new Float64Array(data.length);
  for (let start = 0; start < rows * columns; start += columns) {
    shuffled.set(random.shuffle(Array.from(data.subarray(start, start + columns))), start);
  }
  return matrix(rows, columns, shuffled);
};

/** ΔH [n, d] that a subject is measured on at a site. */
export const displacementOf = (evidence: SeedEvidence, subject: Subject, site: Site): Matrix => {
  const own = evidence.displacement(variantOf(subject), site);
  return subject === 'shuffled-rows' ? shuffledRows(own, `shuffled rows ${evidence.seed} ${site}`) : own;
};
