export * from './bootstrap.js';
export * from './corrections.js';
export * from './interval.js';
export * from './normal.js';
export * from './permutation.js';
export * from './summary.js';
export * from './weighted.js';
export * from './wilson.js';
