/** Timings of everything that is hot, over every engine and a ladder of sizes, and the gate that compares two of them. */
export { type CaseComparison, compareReports } from './compare-reports.js';
export {
  createStepModel,
  referenceOf,
  runDpoSteps,
  runTrainingSteps,
  type StepOptions,
  trainingFlops,
} from './llama-steps.js';
export { intervalOfMedian } from './measure-case.js';
export {
  type BenchmarkEngine,
  type BenchmarkReport,
  type BenchmarkResult,
  type MeasuredCase,
  readBenchmarkReport,
} from './results.js';
export { type BenchmarkOptions, runBenchmarks } from './run-benchmarks.js';
export { subjects } from './subjects/index.js';
