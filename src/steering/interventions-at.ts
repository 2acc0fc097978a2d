import { UsageError } from '../base/index.js';
import {
  checkIntervention,
  type Intervention,
  type InterventionKind,
  type Site,
  type Vector,
} from './intervention.js';

/**
 * Which hidden states are steered: `final`, what W_U reads; `all`, the residual stream after every block; `last-five`,
 * after each of the last five (of a smaller model: all); a number, after that block alone, 1..L.
 */
export type SteeredLayers = 'final' | 'all' | 'last-five' | number;

export interface LayerSteering {
  /** The vector [d] of a site: steering at several sites takes each site's own. */
  readonly vectorAt: (site: Site) => Vector;
  /** Default `add`. */
  readonly kind?: InterventionKind;
  /** Of every site alike. */
  readonly lambda: number;
  /** Default false. */
  readonly normPreserving?: boolean;
}

/** @throws UsageError for a layer that the model does not have */
export const sitesOf = (layers: number, choice: SteeredLayers): Site[] => {
  if (choice === 'final') return ['postNorm'];
  if (typeof choice === 'number') {
    if (Number.isInteger(choice) && choice >= 1 && choice <= layers) return [choice];
    throw new UsageError(`there is no layer ${choice} to steer`, {
      hint: `layers 1 to ${layers}, final, all or last-five`,
    });
  }
  const count = choice === 'all' ? layers : Math.min(5, layers);
  return Array.from({ length: count }, (_, i) => layers - count + 1 + i);
};

/**
 * The interventions of a choice of layers, on the positions that predict completion tokens. A block reads what the
 * blocks before it were steered to: the same λ is felt more the more sites there are.
 *
 * @throws UsageError for a layer the model does not have, a vector of another size than d, or λ out of range
 */
export const interventionsAt = (
  model: { readonly hiddenSize: number; readonly layers: number },
  layers: SteeredLayers,
  { vectorAt, kind = 'add', lambda, normPreserving }: LayerSteering,
): Intervention[] =>
  sitesOf(model.layers, layers).map((at) => {
    const intervention: Intervention = {
      kind,
      at,
      vector: vectorAt(at),
      lambda,
      positions: 'completion',
      ...(normPreserving === undefined ? {} : { normPreserving }),
    };
    checkIntervention(intervention, model);
    return intervention;
  });
