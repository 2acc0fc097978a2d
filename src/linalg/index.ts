export * from './algebra.js';
export * from './decompositions.js';
export * from './dense-algebra.js';
export type { SymmetricOperator } from './krylov-subspace.js';
export * from './matrix.js';
export * from './native-blas.js';
export * from './singular-values.js';
export * from './top-eigenpairs.js';
export * from './vectors.js';
