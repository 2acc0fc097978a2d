export * from './analyze-layer.js';
export * from './cosines.js';
export * from './cross-fit.js';
export * from './displacements.js';
export * from './random-directions.js';
export * from './spectrum-sampler.js';
export * from './spectrum-statistics.js';
