export * from './closest-name.js';
export * from './errors.js';
export * from './printable.js';
export * from './progress.js';
export * from './random.js';
export * from './show-value.js';
export * from './version.js';
