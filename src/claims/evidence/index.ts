export { activationsFileOf, collectActivationEvidence } from './activation-evidence.js';
export { checkCheckpoints } from './check-checkpoints.js';
export { requireContainedPaths } from './contained-paths.js';
export { type CrossFittedVectors, crossFitted, mapVectors } from './cross-fitted-vectors.js';
export { modelFolderOf, modelFoldersOf } from './model-folder.js';
export {
  type PreparedEvidence,
  prepareEvidence,
  prepareExperiment,
  runInitialStages,
} from './prepare-evidence.js';
export { collectPromptEvidence, promptsFileOf } from './prompt-evidence.js';
export { collectSeedEvidence, type SeedEvidence } from './seed-evidence.js';
export type { Site, Variant } from './variant.js';
export { writeSeedEvidence, writeVectors } from './write-evidence.js';
