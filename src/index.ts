/**
 * dsteer as a library: every capability of the command line without the command line.
 *
 * What most callers need stands here by name; everything else of a folder is in the namespace of that folder's name
 * (`geometry.cosinesToVector`, `steering.lambdaSweep`, …). Start an engine first: `await startEngine('auto')`; `verify`
 * and `trainExperiment` do so by themselves.
 */

export * as activations from './activations/index.js';
export {
  type ActivationFile,
  extractHiddenStates,
  extractToFile,
  openActivations,
  type Readout,
  readExtractInput,
} from './activations/index.js';
export {
  ComputationError,
  createRandom,
  DsteerError,
  dsteerVersion,
  InputError,
  type Progress,
  type ProgressStage,
  ResourceError,
  SpecError,
  silentProgress,
  UsageError,
} from './base/index.js';
export * as behaviour from './behaviour/index.js';
export { corpusBleu, judgeTexts, rouge, trainPreferenceClassifier } from './behaviour/index.js';
export * as claims from './claims/index.js';
export {
  type ClaimReport,
  type ControlReport,
  describeVerdict,
  exitCodeOf,
  type Interval,
  loadCatalogue,
  loadSpec,
  type RunManifest,
  type RunReport,
  type Verdict,
  type Verification,
  type VerifyOptions,
  verify,
} from './claims/index.js';
export { type SteerExperimentOptions, type SteerResult, steerExperiment } from './cli/steer-experiment.js';
export {
  exportVectors,
  type SteerModelOptions,
  type SteerModelResult,
  steerModel,
} from './cli/steer-model.js';
export { type MachineSurvey, surveyMachine } from './cli/survey-machine.js';
export { type ModelFolderSurvey, surveyModelFolder } from './cli/survey-model-folder.js';
export { loadExperiment, type TrainExperimentOptions, trainExperiment } from './cli/train-experiment.js';
export * as data from './data/index.js';
export { loadTokenizer, type PreferenceTuple, readPreferences, type Tokenizer } from './data/index.js';
export * as engine from './engine/index.js';
export { type EngineInfo, type EngineName, startEngine, surveyEngines, tf } from './engine/index.js';
export * as geometry from './geometry/index.js';
export { analyzeLayer, type LayerStatistics } from './geometry/index.js';
export * as linalg from './linalg/index.js';
export * as model from './model/index.js';
export { createLlama, type LanguageModel, loadModel, saveModel } from './model/index.js';
export * as reports from './reports/index.js';
export {
  createProgress,
  junitXml,
  readReport,
  renderConsole,
  reportJson,
  summaryMarkdown,
  writeReports,
} from './reports/index.js';
export * as statistics from './statistics/index.js';
export * as steering from './steering/index.js';
export { type Intervention, interventionHooks, lambdaSweep } from './steering/index.js';
export * as store from './store/index.js';
export * as training from './training/index.js';
export { type DpoConfig, dpoSigmoidLoss, trainDpo, trainSft } from './training/index.js';
