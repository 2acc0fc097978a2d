/** Evidence that is displacements alone: what their geometry can be asked, without preferences or a model. */
import { ComputationError } from '../../base/index.js';
import { assignFolds, estimateVectors } from '../../geometry/index.js';
import { type Matrix, matrix } from '../../linalg/index.js';
import type { ExperimentSpec } from '../spec/schema.js';
import { crossFitted } from './cross-fitted-vectors.js';
import { memoiseBySite } from './memoise-by-site.js';
import type { SeedEvidence } from './seed-evidence.js';
import type { Site, Variant } from './variant.js';

/** ΔH [n, d] of one policy, float32, by site. */
export type DisplacementsBySite = ReadonlyMap<Site, Float32Array>;

/** h_policy − h_base in float32: half the memory, and its rounding is that of the states themselves. */
export const differences = (base: Float32Array, policy: Float32Array): Float32Array =>
  base.map((value, index) => (policy[index] ?? Number.NaN) - value);

export interface DisplacementEvidenceOptions {
  readonly experiment: ExperimentSpec;
  readonly seed: number;
  readonly layers: number;
  /** d. */
  readonly width: number;
  /** Source of each row [n]. */
  readonly clusters: readonly string[];
  /** Of the policy, and of the control policies that could be made. */
  readonly of: ReadonlyMap<Variant, DisplacementsBySite>;
}

const noModel = (what: string): never => {
  throw new ComputationError(`hidden states alone hold no ${what}`, {
    hint: 'give checkpoints and preferences: --base DIR --policy DIR --preferences FILE',
  });
};

/** One site at a time is widened to float64. Metrics that ask for anything but displacements get an error of their own row. */
export const displacementEvidence = ({
  experiment,
  seed,
  layers,
  width,
  clusters,
  of,
}: DisplacementEvidenceOptions): SeedEvidence => {
  const folds = assignFolds(clusters);
  const displacement = (variant: Variant, site: Site): Matrix => {
    const bySite = of.get(variant) ?? noModel(`policy for ${variant}`);
    const values = bySite.get(site) ?? noModel('final hidden state (basePostNorm and policyPostNorm)');
    return matrix(clusters.length, width, Float64Array.from(values));
  };
  const vectors = memoiseBySite((variant, site) =>
    crossFitted(estimateVectors(displacement(variant, site), folds, clusters, experiment.vector), folds),
  );
  return {
    experiment,
    seed,
    data: {
      train: [],
      heldOut: [],
      clusters,
      folds,
      get tokenizer() {
        return noModel('text');
      },
      get report() {
        return noModel('text');
      },
    },
    layers,
    get base() {
      return noModel('model');
    },
    variant: () => noModel('model'),
    startOf: () => noModel('model'),
    training: () => undefined,
    displacement,
    vectors,
    alternative: (name) => noModel(`model to make ${name} with`),
    dispose: () => undefined,
  };
};
