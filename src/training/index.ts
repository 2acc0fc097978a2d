export { metricsLines, removeCheckpoints } from './checkpoints.js';
export * from './config.js';
export * from './dpo-losses.js';
export * from './evaluate-language-model.js';
export {
  type LanguageModellingConfig,
  meanNextTokenLogp,
  type TokenRows,
} from './language-model-steps.js';
export * from './learning-rate.js';
export { attachLora, type LoraAdapter } from './lora.js';
export * from './losses.js';
export { negativeLogSigmoid } from './negative-log-sigmoid.js';
export * from './packed-sequences.js';
export { loadAdapter, type SaveAdapterOptions, saveAdapter } from './peft-adapter.js';
export * from './preference-losses.js';
export { type Replicas, startReplicas } from './replicas.js';
export * from './sequence-logps.js';
export { type StoredReferenceOptions, storedReferenceLogps } from './stored-reference.js';
export { suitableReplicas, type TrainingSize } from './suitable-replicas.js';
export { textRows } from './text-rows.js';
export * from './train-dpo.js';
export * from './train-language-model.js';
export * from './train-sft.js';
export * from './train-stage.js';
export * from './training-options.js';
