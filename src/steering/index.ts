/** Interventions on hidden states, λ sweeps, and what inversion recovers. */
export { noTarget } from './completion-rows.js';
export * from './completion-states.js';
export * from './intervention.js';
export * from './intervention-hooks.js';
export {
  interventionsAt,
  type LayerSteering,
  type SteeredLayers,
  sitesOf as steeredSites,
} from './interventions-at.js';
export * from './inversion.js';
export * from './lambda-sweep.js';
export * from './preference-logps.js';
export * from './preference-measures.js';
export * from './steered-logps.js';
export * from './train-vector.js';
