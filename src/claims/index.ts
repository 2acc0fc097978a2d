/** Specifications, the evidence they ask for, and the verdicts on them. */

export { correctForMany } from './correct.js';
export {
  type PreparedEvidence,
  prepareEvidence,
  prepareExperiment,
  requireContainedPaths,
  runInitialStages,
} from './evidence/index.js';
export type { GivenEvidence } from './given.js';
export { type InitOptions, type InitResult, initProject, projectFile } from './init-project.js';
export { type InputHash, portableName } from './inputs.js';
export { type Job, type JobResult, type Task, type TaskResult, taskKey } from './jobs/job.js';
export type { RunManifest } from './manifest.js';
export {
  type ControlId,
  controlIds,
  controlTitles,
  type MetricId,
  metricCatalogue,
  metricIds,
} from './metrics/index.js';
export { planJobs } from './plan.js';
export * from './report.js';
export type { ShardRequest } from './shard.js';
export { type Catalogue, loadCatalogue } from './spec/catalogue.js';
export { specJsonSchema } from './spec/json-schema.js';
export {
  type LoadedClaim,
  type LoadedExperiment,
  type LoadedSpec,
  type LoadedSuite,
  loadSpec,
  loadSpecs,
  parseSpec,
  shippedSpecsFolder,
} from './spec/load.js';
export type { ClaimSpec, ComparisonSpec, ExperimentSpec, SuiteSpec, TrainingSpec } from './spec/schema.js';
export { type SelectedCase, type SelectedTable, type Selection, select } from './spec/select.js';
export {
  beats,
  combineOutcomes,
  describeVerdict,
  exitCodeOf,
  isSpecific,
  outcomeOf,
  totalsOf,
  verdictOf,
} from './verdict.js';
export { type ListedCase, listCases, type Verification, type VerifyOptions, verify } from './verify.js';
