// The kernels that work in place on the heap of tfjs's wasm backend. Compiled by scripts/build-kernels.mjs.

export { adamw, sumSquares } from './adamw';
export { causalSoftmax, causalSoftmaxGrad } from './attention';
export { gemm, gemmScratchBytes } from './gemm';
export { rmsNorm, rmsNormGrad } from './rms-norm';
export { rotary } from './rotary';
export { add, copy, gatherRows, scatterAddRows } from './rows';
export { constantBytes, initialise } from './simd';
export { exponential, logSumExp, targetLogpsGrad } from './softmax';
export { swiglu, swigluGrad, swigluGradInPlace } from './swiglu';
