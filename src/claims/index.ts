/** Specifications, the evidence they ask for, and the verdicts on them. */
export { type ExperimentEvidence, prepareExperiment } from './evidence/index.js';
export type { RunManifest } from './manifest.js';
export {
  type ControlId,
  controlIds,
  controlTitles,
  type MetricId,
  metricCatalogue,
  metricIds,
} from './metrics/index.js';
export { type EvidencePlan, planEvidence } from './plan.js';
export * from './report.js';
export {
  type Catalogue,
  loadCatalogue,
  type SelectedCase,
  selectCases,
  shippedSpecsFolder,
} from './spec/catalogue.js';
export {
  type LoadedClaim,
  type LoadedExperiment,
  type LoadedSpec,
  type LoadedSuite,
  loadSpec,
  parseSpec,
} from './spec/load.js';
export type { ClaimSpec, ExperimentSpec, SuiteSpec, TrainingSpec } from './spec/schema.js';
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
export { type Verification, type VerifyOptions, verify } from './verify.js';
