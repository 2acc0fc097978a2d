import { UsageError } from '../base/index.js';
import type { Intervention, InterventionKind, Site, Vector } from './intervention.js';
import { type SteeredLayers, sitesOf } from './interventions-at.js';
import type { SteeringVectors } from './steering-vectors.js';

const vectorAt = ({ residual, postNorm }: SteeringVectors, site: Site): Vector | undefined =>
  site === 'postNorm' ? postNorm : residual.get(site);

const describe = ({ residual, postNorm }: SteeringVectors): string => {
  const layers = [...residual.keys()].sort((a, b) => a - b);
  return [...(layers.length > 0 ? [`layers ${layers.join(', ')}`] : []), ...(postNorm ? ['final'] : [])].join(
    ' and ',
  );
};

export interface VectorSelection {
  /** Default: `final` where there is a vector for it, else every layer that has one. */
  readonly layers?: readonly SteeredLayers[];
  /** Default `add`. */
  readonly kind?: InterventionKind;
  readonly lambda: number;
  /** Default false. */
  readonly normPreserving?: boolean;
}

/**
 * The sites that a choice of layers means for a model and the vectors at hand, first to last. `all` and `last-five` mean
 * those of the model's layers that have a vector.
 *
 * @throws UsageError for vectors of another width or with more layers than the model, or a layer without a vector
 */
export const selectSites = (
  model: { readonly hiddenSize: number; readonly layers: number },
  vectors: SteeringVectors,
  layers: readonly SteeredLayers[] = [vectors.postNorm ? 'final' : 'all'],
): Site[] => {
  if (vectors.hiddenSize !== model.hiddenSize) {
    throw new UsageError(
      `vectors of ${vectors.hiddenSize} dimensions cannot steer a model of ${model.hiddenSize}`,
      { hint: 'a vector belongs to the model whose hidden states it was made from' },
    );
  }
  const highest = Math.max(0, ...vectors.residual.keys());
  if (highest > model.layers) {
    throw new UsageError(`there is a vector for layer ${highest}; the model has ${model.layers} layers`);
  }
  const chosen = new Set<Site>();
  for (const choice of layers) {
    const open = choice === 'all' || choice === 'last-five';
    for (const site of sitesOf(model.layers, choice)) {
      if (vectorAt(vectors, site)) chosen.add(site);
      else if (!open) {
        throw new UsageError(`there is no vector for ${site === 'postNorm' ? 'final' : `layer ${site}`}`, {
          hint: `the file has vectors for ${describe(vectors)}`,
        });
      }
    }
  }
  if (chosen.size === 0) {
    throw new UsageError(`there is no vector for ${layers.join(', ')}`, {
      hint: `the file has vectors for ${describe(vectors)}`,
    });
  }
  const order = (site: Site): number => (site === 'postNorm' ? Number.POSITIVE_INFINITY : site);
  return [...chosen].sort((a, b) => (order(a) < order(b) ? -1 : 1));
};

/** Interventions of λ times each site's own vector, on the positions that predict completion tokens. */
export const selectInterventions = (
  model: { readonly hiddenSize: number; readonly layers: number },
  vectors: SteeringVectors,
  { layers, kind = 'add', lambda, normPreserving = false }: VectorSelection,
): Intervention[] =>
  selectSites(model, vectors, layers).map((at) => ({
    kind,
    at,
    vector: vectorAt(vectors, at) ?? new Float32Array(0),
    lambda,
    positions: 'completion',
    normPreserving,
  }));
