/** Reading hidden states out of a model; sets of them on disk. */
export * from './extract.js';
export { type ExtractOptions, type HiddenBatch, hiddenBatches } from './hidden-batches.js';
export * from './length-buckets.js';
export * from './open-activations.js';
export * from './pair-file.js';
export * from './read-extract-input.js';
export * from './readout.js';
