/** What a model's output is like: overlap with other texts, degeneracy, toxicity, preference, perplexity, a judge's view. */
export * from './bleu.js';
export * from './calibration.js';
export type { Scale, ScoreReading } from './chat-answer.js';
export * from './degeneracy.js';
export { EndpointError, type EndpointOptions, type Json } from './endpoint.js';
export * from './g-eval.js';
export * from './log-perplexity.js';
export {
  fitLogistic,
  type LogisticModel,
  type LogisticOptions,
  type SparseRow,
} from './logistic-regression.js';
export * from './preference-classifier.js';
export * from './remote-toxicity.js';
export * from './rouge.js';
export { type TextFeatureOptions, textFeatures } from './text-features.js';
export { tokenize13a } from './tokenize-13a.js';
export * from './toxicity.js';
