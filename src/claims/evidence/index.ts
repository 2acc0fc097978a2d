export {
  collectExperimentEvidence,
  type ExperimentEvidence,
  modelFolderOf,
  prepareExperiment,
} from './experiment-evidence.js';
export type { SeedEvidence, Site, Variant } from './seed-evidence.js';
export { writeEvidence } from './write-evidence.js';
